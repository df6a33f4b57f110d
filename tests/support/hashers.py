"""Argon2 at its cheapest: the tests hash many passwords, and none of them guards anything."""

from users.hashers import NormalizingArgon2PasswordHasher


class CheapArgon2PasswordHasher(NormalizingArgon2PasswordHasher):
    time_cost = 1
    memory_cost = 8
    parallelism = 1
