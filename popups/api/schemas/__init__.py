"""The shapes of what is answered and of what may be written."""
