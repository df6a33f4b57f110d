"""`make run`: everything on this machine by one command."""
