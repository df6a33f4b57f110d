"""The job `follow_binlog`."""


def step() -> bool:
    """Follow the log for about a second, or wait for those who do; return whether to go on at once."""
    from binlog.follower import follower  # needs a library that only MariaDB needs

    return follower.step()
