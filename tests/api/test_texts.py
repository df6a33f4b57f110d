"""The rules for typed texts hold for every text, have one result, and cost little."""

import time
import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.texts import DECOMPOSED, clean_line, clean_multiline

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]
# Characters that the rules are about, so that generated texts are full of them.
SPECIAL = (
    "a é\u0301\u0327\n\r\t\u2028\u00a0\u3000\u200b\u200c\u200d\u202a\u202c"
    "\u2066\u2069\u094dक🏴👩🏽❤\ufe0f\U000e0067\U000e007f"
)
TEXTS = st.one_of(st.text(max_size=40), st.text(alphabet=SPECIAL, max_size=40))
KEPT_FORMAT = {
    *range(0x600, 0x606),
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
    0x110BD,
    0x110CD,
}  # fmt: skip  Prepended_Concatenation_Mark: format characters that are visible
bounded = settings(max_examples=500, deadline=None, derandomize=True, database=None)


def accepted(clean, text: str) -> str | None:
    try:
        return clean(text, 1_000)
    except ValidationError:
        return None


@bounded
@given(TEXTS)
@example("a \u0301")
@example("\u1680a\r\n")
def test_a_clean_text_stays_as_it_is(text):
    for clean in (clean_line, clean_multiline):
        once = accepted(clean, text)
        if once is not None:
            assert accepted(clean, once) == once
            assert unicodedata.is_normalized("NFC", once)
            once.encode()


def test_no_control_or_format_character_passes_within_a_line():
    refused = [code for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp")]
    refused += [*range(0xD800, 0xE100), 0xFDD0, 0xFFFE, 0xFFFF, 0x1FFFE, 0x2FFFF, 0xF0000, 0x10FFFF, 0x378]
    passed = [code for code in refused if accepted(clean_line, f"a{chr(code)}b") is not None]
    assert set(passed) == KEPT_FORMAT.intersection(refused)


@pytest.mark.parametrize("clean", [clean_line, clean_multiline])
def test_a_text_that_is_far_too_long_is_left_to_the_check_of_its_length(clean):
    text = "\u200b" * (DECOMPOSED * 10 + 1)
    assert clean(text, 10) == text


@pytest.mark.parametrize(
    "text", ["plain text " * 455, "नमस्ते 你好 " * 455, "👨\u200d👩\u200d👧 שלום " * 455, "e\u0301" * 2_500], ids=ascii
)
def test_a_text_of_5000_characters_takes_milliseconds_at_most(text):
    def cost() -> float:
        began = time.perf_counter()
        clean_multiline(text[:5_000], 5_000)
        return time.perf_counter() - began

    assert min(cost() for _ in range(20)) < 0.005


@pytest.mark.parametrize(
    "text", ["\u2067" * 4_000, "\u2067\u202a" * 2_000, "a" + "\u0301\u0327" * 2_000, "ا\u064b" * 2_000]
)
def test_the_worst_texts_take_milliseconds_too(text):
    def cost() -> float:
        began = time.perf_counter()
        accepted(clean_multiline, text)
        return time.perf_counter() - began

    text = text[: DECOMPOSED * 1_000]  # longer ones are left alone
    assert min(cost() for _ in range(10)) < 0.004
