"""Following MariaDB's binary log, so that a row written by anybody is seen by readers of the cache within a second."""
