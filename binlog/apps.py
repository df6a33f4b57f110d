"""The Django application that follows the binary log."""

from django.apps import AppConfig


class BinlogConfig(AppConfig):
    """Configuration of the `binlog` application; registers its job."""

    name = "binlog"

    def ready(self) -> None:
        from binlog.follower import follower
        from jobs.api import Job, register

        register(Job("follow_binlog", follower.step))
