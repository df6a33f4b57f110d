"""Models as other people write them, one file for each kind of shape."""

from .trees import *  # noqa: F403
