"""The tests, which read no developer's `.env`."""

import os

os.environ["ENV_FILE"] = ""
