"""Models as other people write them, one file for each kind of shape."""

from .banking import *  # noqa: F403
from .bulk import *  # noqa: F403
from .columns import *  # noqa: F403
from .converted import *  # noqa: F403
from .deletion import *  # noqa: F403
from .edges import *  # noqa: F403
from .filing import *  # noqa: F403
from .generic import *  # noqa: F403
from .identifiers import *  # noqa: F403
from .inheritance import *  # noqa: F403
from .magazines import *  # noqa: F403
from .managers import *  # noqa: F403
from .many import *  # noqa: F403
from .people import *  # noqa: F403
from .recipes import *  # noqa: F403
from .shop import *  # noqa: F403
from .spellings import *  # noqa: F403
from .trees import *  # noqa: F403
from .unmanaged import *  # noqa: F403
from .users import *  # noqa: F403
