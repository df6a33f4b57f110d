"""The `fields=` query parameter: the columns of an answer."""

from collections.abc import Collection

from django.http import QueryDict

from api.problems import Problem, bad_input


def fields_parameter(query: QueryDict) -> str | None:
    """Return the value of `?fields=id,nickname`, or None if the parameter is absent."""
    return ",".join(query.getlist("fields")) if "fields" in query else None


def split_fields(text: str | None, *, public: Collection[str], private: Collection[str], own: bool) -> tuple[str, ...]:
    """Return the fields named by "id,nickname", without duplicates; all public fields for None.

    Raises 400 `unknown_field` for a field that does not exist, and 403 `private_field` for a private field unless the
    row is the caller's own.
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
