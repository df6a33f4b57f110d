"""What may go wrong between the follower and the server whose log it reads."""


class Disconnected(OSError):
    """The server has gone away, or says nothing any more."""


class LostPosition(Exception):
    """The log does not have the position any more, or never had; the message is the server's."""


class NotAllowed(Exception):
    """The account may not read the log."""
