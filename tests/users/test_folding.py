"""Folding of names, without a database: which spellings are the same to a search, and which are not."""

import sys
import unicodedata

import pytest

from users.folding import fold
from users.terms import parse, terms_of

pytestmark = pytest.mark.django_db(transaction=True)  # for the fixtures; no test here uses a database

SAME = [
    ("İstanbul", "istanbul"), ("ısparta", "Isparta"), ("ISPARTA", "isparta"), ("José", "jose"), ("Việt", "viet"),
    ("Đặng", "dang"), ("Straße", "STRASSE"), ("GROẞ", "gross"), ("Łukasz", "lukasz"), ("Søren", "soren"),
    ("Ægir", "aegir"), ("Ångström", "angstrom"), ("ﬁona", "Fiona"), ("Αλέξης", "αλεξησ"), ("ΑΛΕΞΗΣ", "Αλέξης"),
    ("مُحَمَّد", "محمد"), ("محـــمد", "محمد"), ("أحمد", "احمد"), ("ٱلله", "الله"), ("ﻣﺤﻤﺪ", "محمد"),
    ("שָׁלוֹם", "שלום"), ("יִצְחָק", "יצחק"), ("Фёдор", "федор"), ("ＡＬＩＣＥ", "alice"), ("ﾜﾝ", "ワン"),
    ("ｶﾞｸﾄ", "ガクト"), ("か\u3099", "が"), ("한글", unicodedata.normalize("NFD", "한글")), ("ㅎㅏ", "하"),
    ("So\u00adft", "soft"), ("Zer\u200bo", "zero"), ("می\u200cخواهم", "میخواهم"), ("a\u200db", "ab"),
    ("\u202aAnn\u202c", "ann"), ("Ann\u200e", "ann"), ("葛\U000e0100", "葛"), ("❤\ufe0f", "❤"), ("1\ufe0f⃣", "1"),
    ("x\u0338", "x"), ("e\u0301\u0327", "e"), ("①", "1"), ("ᾳ", "αι"), ("ŉ", "ʼn"),
]  # fmt: skip
OTHERS = [
    ("か", "が"), ("は", "ぱ"), ("ハハ", "パパ"), ("한", "하"), ("कि", "क"), ("कु", "कि"), ("क्ष", "कष"), ("फ़", "फ"),
    ("กิน", "กน"), ("มา", "ม่า"), ("கா", "க"), ("བོད", "བད"), ("ខ្មែរ", "ខមរ"), ("o", "0"), ("🍣", "🍺"), ("王", "玉"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_name(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_name(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize("name", ["हिन्दी", "தமிழ்", "ภาษาไทย", "ខ្មែរ", "མི་རིགས", "বাংলা", "한국어", "がぎぐ", "ދިވެހި"])
def test_marks_that_are_part_of_the_spelling_stay(name):
    assert fold(name) == unicodedata.normalize("NFC", unicodedata.normalize("NFKD", name))
    assert {part.text for part in parse(name).parts} <= terms_of("x", name)


def test_folding_again_changes_nothing_whatever_the_character():
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(character) != "Cs" and fold(character) != character:
            once = fold(f"a{character}か{character}")
            assert fold(once) == once, f"U+{ord(character):04X}"


def test_what_cannot_be_seen_is_dropped():
    invisible = "\u00ad\u034f\u061c\u115f\u17b4\u180b\u200b\u200c\u200d\u200e\u202e\u2060\u2066\u3164\ufe0f\ufeff\uffa0"
    assert fold(f"a{invisible}\U000e0001\U000e0100b") == "ab"
