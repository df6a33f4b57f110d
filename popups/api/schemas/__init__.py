"""The shapes of the input and output of popups over HTTP."""
