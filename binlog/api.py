"""The public face of binlog: how the log is being followed, for metrics and the operator's page."""

from binlog.status import Status, status

__all__ = ["Status", "status"]
