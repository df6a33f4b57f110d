"""`make run`: one command that starts all processes on this machine."""
