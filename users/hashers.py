"""Argon2id with the parameters that OWASP's password storage cheat sheet gives for servers: 19 MiB, 2 passes, 1 lane.

Django's default takes 100 MiB and 8 lanes for each hash; ten logins at once would take a gigabyte from a worker.
"""

from django.contrib.auth.hashers import Argon2PasswordHasher


class ServerArgon2PasswordHasher(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
