"""Folding of names and queries: texts that people take for the same name become equal (decision 0027).

The rules are Unicode's: compatibility decomposition (NFKD), full case folding, no marks that only decorate a letter, no
characters that cannot be seen. Composed again at the end, so that Hangul syllables and kana are single characters.
"""

import re
import unicodedata
from functools import lru_cache

_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point of the Unicode Character Database, which unicodedata lacks."""
_TATWEEL = "\u0640"  # lengthens the line between two Arabic letters
# Letters that Unicode does not decompose, and that people write as other letters where their keyboards lack them: the
# Latin ones as CLDR's transform Latin-ASCII has them; alef wasla, which pointed Arabic writes for alef.
_LOOSE = str.maketrans(
    {
        "ı": "i", "ȷ": "j", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe",
        "þ": "th", "ٱ": "ا",
    }
)  # fmt: skip


def fold(text: str) -> str:
    """Return the form in which names and queries are compared; folding it again changes nothing."""
    if text.isascii():
        return text.lower()
    # Case folding composes and decomposes: "İ" becomes "i" with a dot, "ΐ" three characters.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(character for character in decomposed if not _is_dropped(character))
    return unicodedata.normalize("NFC", kept.translate(_LOOSE))


@lru_cache(maxsize=10_000)
def _is_dropped(character: str) -> bool:
    """Return whether a decomposed character is a mark that only decorates, encloses or points, or cannot be seen.

    The canonical combining class tells: 1 strikes a letter through, 10 to 36 are the points of Hebrew, Arabic and
    Syriac, from 200 on marks stand around letters of many scripts. The others are part of the spelling: vowel signs (0,
    84 to 132), nuktas (7), the voicing of kana (8), viramas (9).
    """
    if character == _TATWEEL or _IGNORABLE.match(character):
        return True
    category = unicodedata.category(character)
    if category != "Mn":
        return category == "Me"
    position = unicodedata.combining(character)
    return position == 1 or 10 <= position <= 36 or position >= 200
