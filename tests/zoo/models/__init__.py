"""Models as other people write them, one file for each kind of shape."""

from .magazines import *  # noqa: F403
from .people import *  # noqa: F403
from .recipes import *  # noqa: F403
from .trees import *  # noqa: F403
