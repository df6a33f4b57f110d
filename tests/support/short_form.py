"""Whether this run is the short form of the suites, as CI runs them."""

import os

SHORT = os.environ.get("CI") == "true"
