"""Argon2id with the parameters of OWASP's password storage cheat sheet: 19 MiB, 2 passes, 1 lane.

Django's default takes 100 MiB and 8 lanes for each hash: ten concurrent logins would take a gigabyte of a worker.
"""

from django.contrib.auth.hashers import Argon2PasswordHasher

from users import passwords


class NormalizingArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id of the normalised password. It verifies the given text as it is; User.check_password() tries both forms.

    Lone surrogates, which have no UTF-8, are hashed by their escapes.
    """

    def encode(self, password: str, salt: str) -> str:
        normalized = passwords.normalize(password)
        if normalized != password:
            # ModelBackend calls this for an unknown account, which must take as long as a wrong password: two hashes.
            super().encode(_encodable(password), salt)
        return super().encode(_encodable(normalized), salt)

    def verify(self, password: str, encoded: str) -> bool:
        return super().verify(_encodable(password), encoded)


def _encodable(password: str) -> str:
    return password.encode(errors="backslashreplace").decode()


class ServerArgon2PasswordHasher(NormalizingArgon2PasswordHasher):
    """Argon2id at a cost that a web server can afford."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
