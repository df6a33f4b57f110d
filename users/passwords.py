"""The normal form of passwords, and the validators of new ones, which see the normal form.

They follow the OpaqueString profile of RFC 8265, with NFKC for its NFC; see docs/decisions/0015-typed-texts.md.
"""

import re
import unicodedata
from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from api.texts import refuse_untypable

LONGEST_TYPED = 1_024  # normalisation takes time by the square of the number of marks
PASSWORD_LENGTH = 128
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def normalize(password: str) -> str:
    """Return a password in NFKC, with plain spaces. One of more than LONGEST_TYPED characters stays as it is."""
    if len(password) > LONGEST_TYPED:
        return password
    return unicodedata.normalize("NFKC", _SPACES.sub(" ", password))


def validate_characters(password: str) -> None:
    """Raise ValidationError for a normalised password that is blank or too long, or has what nobody can type."""
    if len(password) > PASSWORD_LENGTH:
        raise ValidationError(f"A password has at most {PASSWORD_LENGTH} characters.")
    if not password.strip():
        raise ValidationError("A password may not be blank.")
    refuse_untypable(password)


class _Normalized:
    def validate(self, password: str, user: Any = None) -> None:
        super().validate(normalize(password), user)  # type: ignore[misc]


class CharacterValidator:
    """Refuses blank passwords, too long ones, and control characters; see validate_characters()."""

    def validate(self, password: str, user: Any = None) -> None:
        validate_characters(normalize(password))

    def get_help_text(self) -> str:
        return f"Your password has at most {PASSWORD_LENGTH} characters, and no control characters."


class UserAttributeSimilarityValidator(_Normalized, password_validation.UserAttributeSimilarityValidator):
    """Django's validator, for the normalised password."""


class MinimumLengthValidator(_Normalized, password_validation.MinimumLengthValidator):
    """Django's validator, for the normalised password."""


class CommonPasswordValidator(_Normalized, password_validation.CommonPasswordValidator):
    """Django's validator, for the normalised password."""


class NumericPasswordValidator(_Normalized, password_validation.NumericPasswordValidator):
    """Django's validator, for the normalised password."""
