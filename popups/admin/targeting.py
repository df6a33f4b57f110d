"""What the form makes of the countries and languages of a popup. Rows that are stored already are not judged by it."""

from collections.abc import Callable

from django.core.exceptions import ValidationError

from popups.config import locales
from popups.rules import split_list


def clean_countries(text: str) -> str:
    """Return a list of countries in their usual form; raise ValidationError for what is none."""
    return _cleaned(
        text, locales.canonical_country, "is not the two-letter code of a country (ISO 3166-1), such as DE."
    )


def clean_languages(text: str) -> str:
    """Return a list of languages in their usual form; raise ValidationError for what is none."""
    return _cleaned(text, locales.canonical_language, "is not the tag of a language (BCP 47), such as zh or en-US.")


def _cleaned(text: str, canonical: Callable[[str], str | None], problem: str) -> str:
    found: dict[str, None] = {}
    for item in split_list(text):
        form = canonical(item)
        if form is None:
            raise ValidationError(f"{item} {problem}")
        found[form] = None
    return ", ".join(found)
