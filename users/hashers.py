"""Argon2id with the parameters of OWASP's password storage cheat sheet: 19 MiB, 2 passes, 1 lane.

Django's default takes 100 MiB and 8 lanes for each hash: ten concurrent logins would take a gigabyte of a worker.
"""

from django.contrib.auth.hashers import Argon2PasswordHasher


class ServerArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at a cost that a web server can afford."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
