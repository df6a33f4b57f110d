"""Columns that look like secrets and would be copied to Redis."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import models

from .. import registry
from ..columns import cached_fields

_SECRET = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|secrets|token|otp|totp|api_?key|private_?key|secret_?key|"
    r"recovery_?codes?|credentials?)($|_(hash|hashes|digest|enc|encrypted)$)"
)


@register(Tags.security)
def check_secrets(**_: Any) -> list[CheckMessage]:
    """Report password hashes of users that are cached, and columns of cached models that are named like secrets."""
    return [message for model in registry.models() for message in _secrets_of(model)]


def _secrets_of(model: Any) -> Iterator[CheckMessage]:
    for field in cached_fields(model):
        if field.primary_key:
            continue
        hint = f"List it in never: never=({field.name!r}, …)."
        if field.name == "password" and issubclass(model, AbstractBaseUser):
            yield Error("The password hashes would be copied to Redis.", hint=hint, obj=model, id="caching.E070")
        elif isinstance(field, _READABLE) and _SECRET.search(field.name):
            text = f"The column {field.name!r} would be copied to Redis, and has the name of a secret."
            yield checks.Warning(text, hint=f"{hint} Else silence caching.W070.", obj=model, id="caching.W070")


_READABLE = (models.CharField, models.TextField, models.BinaryField, models.JSONField)
