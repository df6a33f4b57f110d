"""Rules for texts that people type: each character has one form, and nothing is there that readers cannot see.

They follow PRECIS (RFC 8264, Nicknames of RFC 8266) and differ from it where it has no emoji: characters are stored in
NFC, because NFKC, by which names are searched, takes "ㅇㅇ" and "½" apart. See docs/decisions/0015-typed-texts.md.
"""

import re
import unicodedata
from functools import lru_cache

from django.core.exceptions import ValidationError

MOST_MARKS = 8  # on one character; the tallest stack in use is Tibetan, with 8
DEEPEST = 8  # levels of isolates and embeddings
DECOMPOSED = 4  # the most characters that NFC composes into one

# The kind of each special character, as one letter. Sources: Default_Ignorable_Code_Point and
# Prepended_Concatenation_Mark of the Unicode Character Database; UAX #9 for bidirectional controls; the chapter
# "Deprecated Format Characters" of the Unicode Standard. Python's unicodedata has none of these properties.
_RANGES: dict[str, list[tuple[int, int]]] = {
    "N": [(0x0A, 0x0A)],  # line feed
    "T": [(0x09, 0x09)],  # tab
    "Z": [(0x200C, 0x200C)],  # zero width non-joiner
    "J": [(0x200D, 0x200D)],  # zero width joiner
    "I": [(0x2066, 0x2068)],  # opens an isolate
    "P": [(0x2069, 0x2069)],  # closes it
    "D": [(0x202A, 0x202B)],  # opens an embedding
    "Q": [(0x202C, 0x202C)],  # closes it, or an override
    "F": [(0xFE00, 0xFE0F), (0xE0100, 0xE01EF)],  # selects a variant of the character before it
    "U": [(0x180B, 0x180F)],  # the same after Mongolian letters
    "G": [(0xE0020, 0xE007E)],  # tags: the letters of a flag such as that of England
    "K": [(0xE007F, 0xE007F)],  # ends the tags
    "E": [  # skin tones, and emoji that are no symbols by their category
        (0xA9, 0xA9), (0xAE, 0xAE), (0x203C, 0x203C), (0x2049, 0x2049), (0x2122, 0x2122), (0x2139, 0x2139),
        (0x3030, 0x3030), (0x303D, 0x303D), (0x1F3FB, 0x1F3FF),
    ],
    "B": [(0x2800, 0x2800)],  # the blank of Braille
    "H": [  # invisible
        (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x200B, 0x200B),
        (0x200E, 0x200F), (0x2060, 0x2064), (0x3164, 0x3164), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFFC, 0xFFFC),
        (0x1BCA0, 0x1BCA3), (0x1D159, 0x1D159), (0x1D173, 0x1D17A),
    ],
    "V": [  # visible, though its category is that of format characters
        (0x600, 0x605), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x110BD, 0x110BD),
        (0x110CD, 0x110CD),
    ],
    "X": [(0x202D, 0x202E), (0x206A, 0x206F), (0xFFF9, 0xFFFB), (0xE0001, 0xE0001)],  # overrides, and deprecated ones
}  # fmt: skip
_SPECIAL = {chr(code): kind for kind, spans in _RANGES.items() for low, high in spans for code in range(low, high + 1)}
# Scripts whose letters join: Arabic, Syriac, N'Ko and Mandaic; Mongolian; Phags-pa; presentation forms; Manichaean and
# Psalter Pahlavi; Hanifi Rohingya; Sogdian and Chorasmian; Adlam.
_CURSIVE = re.compile(
    "[\u0600-\u08ff\u1800-\u18af\ua840-\ua87f\ufb50-\ufdff\ufe70-\ufefc\U00010ac0-\U00010baf\U00010d00-\U00010d3f"
    "\U00010f30-\U00010fdf\U0001e900-\U0001e95f]"
)
# Unicode keeps these for further emoji (Extended_Pictographic) and ideographs. What Python's version of Unicode does
# not know yet is accepted there, so that new emoji do not depend on the version of Python.
_KEPT_FOR_EMOJI = re.compile("[\U0001f000-\U0001faff\U0001fc00-\U0001fffd]")
_KEPT_FOR_IDEOGRAPHS = re.compile("[\U00020000-\U0002fffd\U00030000-\U0003fffd]")

# Invisible characters that mean something where they are: a flag's tags (UTS #51), the variant of a character, emoji
# that are joined (UTS #51); joiners after a virama and non-joiners between letters that join (RFC 5892, A.1 and A.2),
# and a joiner before a virama (Bengali; Unicode Standard, section 12.2).
_MEANINGFUL = re.compile(
    "(?<=E)F?G{1,30}K|(?<=[VEA])F|(?<=A)U|(?:(?<=E)|(?<=EF))J(?=E)|(?<=W)[JZ]|(?<=V)J(?=W)|(?<=A)M*Z(?=M*A)"
)
_TOO_MANY_MARKS = re.compile(f"[MWFUJZH]{{{MOST_MARKS + 1}}}")
_VISIBLE = re.compile("[VEAL]")
_PLAIN = re.compile("[\n\t -~]*[!-~][\n\t -~]*")  # ASCII that can be seen
_PLAIN_LINE = re.compile("[ -~]*[!-~][ -~]*")
_NOT_IN_A_LINE = re.compile("[^VEALSMW]")
_UNTYPABLE = re.compile("[XNT]")
_NEVER = re.compile("[XGK]")
_NO_LEVELS = re.compile("[^IPDQN]+")
_SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")


def one_line(text: str, max_length: int | None = None) -> str:
    """Return text without outer blanks, in NFC, with each run of blanks as one space.

    A text that cannot fit in `max_length` characters is returned as it is.
    """
    if _is_far_too_long(text, max_length):
        return text
    return _composed(_SPACES.sub(" ", text).strip(" "))


def multiline(text: str, max_length: int | None = None) -> str:
    """Return text in NFC, with a line feed at the end of each line; see one_line() for `max_length`."""
    return text if _is_far_too_long(text, max_length) else _composed(_LINE_ENDS.sub("\n", text))


def clean_line(text: str, max_length: int | None = None) -> str:
    """Return a line in its normal form; raise ValidationError if it has characters that readers cannot see."""
    line = one_line(text, max_length)
    if not _is_far_too_long(line, max_length) and not _PLAIN_LINE.fullmatch(line):
        _refuse(_NOT_IN_A_LINE, line, _checked_shape(line))
    return line


def clean_multiline(text: str, max_length: int | None = None) -> str:
    """Return a text in its normal form; raise ValidationError for control characters, or if nothing can be seen."""
    lines = multiline(text, max_length)
    if not _is_far_too_long(lines, max_length) and not _PLAIN.fullmatch(lines):
        shape = _checked_shape(lines)
        _refuse(_NEVER, lines, shape)
        if not _is_balanced(shape):
            raise ValidationError("A change of direction has to end in the line in which it begins.")
    return lines


def refuse_untypable(text: str) -> None:
    """Raise ValidationError for control characters, and for code points that are not assigned or not characters."""
    _refuse(_UNTYPABLE, text, _shape(text))


def _is_far_too_long(text: str, max_length: int | None) -> bool:
    """Return whether a text will not fit, composed or not; a check of its length refuses it later."""
    return max_length is not None and len(text) > DECOMPOSED * max_length


def _composed(text: str) -> str:
    # Normalisation sorts marks in time by the square of their number, so it gets no text that will be refused.
    if unicodedata.is_normalized("NFC", text) or _TOO_MANY_MARKS.search(_shape(text)):
        return text
    return unicodedata.normalize("NFC", text)


def _checked_shape(text: str) -> str:
    """Return the shape of a text that is empty, or can be seen and has no flood of marks; raise ValidationError."""
    shape = _shape(text)
    if _TOO_MANY_MARKS.search(shape):
        raise ValidationError(f"At most {MOST_MARKS} marks and invisible characters may follow each other.")
    shape = _MEANINGFUL.sub(lambda found: "M" * len(found[0]), shape)
    if text and not _VISIBLE.search(shape):
        raise ValidationError("There is nothing in this text that can be seen.")
    return shape


def _refuse(unwanted: re.Pattern[str], text: str, shape: str) -> None:
    if found := unwanted.search(shape):
        raise ValidationError(f"The character U+{ord(text[found.start()]):04X} is not allowed here.")


def _is_balanced(shape: str) -> bool:
    levels = _NO_LEVELS.sub("", shape)
    for _ in range(DEEPEST):
        levels = levels.replace("IP", "").replace("DQ", "")
    return not levels.strip("N")


def _shape(text: str) -> str:
    """Return the text with each character replaced by the letter of its kind."""
    return text.translate({ord(character): _kind(character) for character in set(text)})


@lru_cache(maxsize=10_000)
def _kind(character: str) -> str:
    """Return the letter of a character's kind.

    Apart from the special ones: "V" visible, "L" a letter with case, which has no variants, "E" emoji or another
    symbol, "A" a letter that joins, "S" space, "M" mark, "W" virama, "X" never allowed.
    """
    if kind := _SPECIAL.get(character):
        return kind
    category = unicodedata.category(character)
    if category == "Cn" and _KEPT_FOR_EMOJI.match(character):
        return "E"
    if category == "Cn" and _KEPT_FOR_IDEOGRAPHS.match(character):
        return "V"
    if category == "Cf":
        return "H"
    if category[0] == "C" or category in ("Zl", "Zp"):
        return "X"
    return _kind_of_assigned(character, category)


def _kind_of_assigned(character: str, category: str) -> str:
    if unicodedata.combining(character) == 9:
        return "W"
    if category in ("Mn", "Me"):
        return "M"
    if category == "Zs":
        return "S"
    if category[0] == "L" and _CURSIVE.match(character):
        return "A"
    if category in ("Lu", "Ll", "Lt"):
        return "L"
    return "E" if category in ("So", "Sm") and character >= "\u2190" else "V"
