"""The `fields=` query: which columns of an answer the client wants."""

from collections.abc import Collection

from django.http import QueryDict

from api.problems import Problem, bad_input


def parse_fields(query: QueryDict, *, public: Collection[str], private: Collection[str], own: bool) -> tuple[str, ...]:
    """The fields of `?fields=id,nickname`, as `fields_of` has them."""
    return fields_of(asked_fields(query), public=public, private=private, own=own)


def asked_fields(query: QueryDict) -> str | None:
    return ",".join(query.getlist("fields")) if "fields" in query else None


def fields_of(text: str | None, *, public: Collection[str], private: Collection[str], own: bool) -> tuple[str, ...]:
    """The fields asked for by "id,nickname", without duplicates; all public ones if none is named.

    400 `unknown_field` for a name nobody has; 403 `private_field` for a private one unless the row is the caller's own.
    """
    if text is None:
        return tuple(public)
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in public and name not in private:
            raise bad_input("fields", f"There is no field {name[:40]!r}.", "unknown_field")
    if not own and any(name in private for name in names):
        raise Problem(403, "private_field", "Private fields are shown to their owner only.")
    return names
