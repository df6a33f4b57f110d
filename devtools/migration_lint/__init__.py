"""`make lint`: refuse migrations that processes of the last release cannot live with."""
