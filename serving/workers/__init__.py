"""gunicorn's worker processes."""
