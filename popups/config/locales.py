"""Comparison of languages and countries by BCP 47: extended filtering (RFC 4647), with the scripts that regions imply.

A popup for zh meets every zh-…, one for zh-CN also zh-Hans-CN, and one for zh-Hans also zh-CN, since Chinese is written
so there. Case, "_" for "-", and what operating systems append ("en_US.UTF-8", "zh_CN_#Hans") do not count. A region is
never guessed: zh meets no popup for zh-CN.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from langcodes import Language, standardize_tag

_RENAMED = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "tl": "fil"}  # Java says iw and in to this day
_RENAMED_REGIONS = {"uk": "gb"}
_LANGUAGE = re.compile("[a-z]{2,8}")
_SCRIPT, _REGION = re.compile("[a-z]{4}"), re.compile("[a-z]{2}|[0-9]{3}")
_WELL_FORMED = re.compile(
    "[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*", re.ASCII
)  # of BCP 47: language, script, region, variants
_SCRIPTLESS = "="  # marks the whole of a tag that names no script
COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.lower().split()
)
"""The codes of ISO 3166-1 alpha-2, in lower case."""


class _Tag(NamedTuple):
    """A language tag in lower case, without extensions and private use; "" for what it does not name."""

    language: str
    script: str
    region: str
    variants: tuple[str, ...]

    def key(self, *, script: bool = True, region: bool = True, variants: int | None = None) -> str:
        parts = (self.language, self.script if script else "", self.region if region else "", *self.variants[:variants])
        return "-".join(filter(None, parts))


@lru_cache(maxsize=2_000)
def languages_met(text: str) -> frozenset[str]:
    """Return the languages of popups that a user's language meets, in the form of languages_wanted()."""
    tag = _parse(text)
    if tag is None:
        return frozenset({text.strip().lower()} - {""})
    met = {
        tag.key(script=script, region=region, variants=variants)
        for script in (True, False)
        for region in (True, False)
        for variants in range(len(tag.variants) + 1)
    }
    return frozenset(met if tag.script else {*met, _SCRIPTLESS + tag.key(variants=0)})


def languages_wanted(text: str) -> frozenset[str]:
    """Return what the users of a popup for a language have at least one of in languages_met()."""
    tag = _parse(text)
    if tag is None:
        return frozenset({text.strip().lower()})
    return frozenset({tag.key(), *_implied(tag)})


@lru_cache(maxsize=2_000)
def countries_met(text: str) -> frozenset[str]:
    """Return the countries of popups that a user's country meets: US-CA meets US, uk meets GB."""
    first, *rest = _subtags(text)
    first = _RENAMED_REGIONS.get(first, first)
    return frozenset("-".join((first, *rest[:end])) for end in range(len(rest) + 1))


def country_wanted(text: str) -> str:
    """Return what the users of a popup for a country have in countries_met()."""
    first, *rest = _subtags(text)
    return "-".join((_RENAMED_REGIONS.get(first, first), *rest))


def canonical_language(text: str) -> str | None:
    """Return zh-Hans-CN for "ZH_hans_cn"; None for a text that is no valid tag of a language."""
    tag = text.strip().lower().replace("_", "-")
    is_valid = _WELL_FORMED.fullmatch(tag) and Language.get(tag).is_valid()
    return standardize_tag(tag) if is_valid else None


def canonical_country(text: str) -> str | None:
    """Return DE for "de"; None for a text that is no code of ISO 3166-1 alpha-2."""
    code = text.strip().lower()
    return code.upper() if code in COUNTRIES else None


def _implied(tag: _Tag) -> Iterator[str]:
    """Yield the languages without a script that are written in the script of a tag, marked as such.

    The library keeps what it is asked in memory, so it is asked for popups, of which there are few, and not for users.
    """
    if tag.script and not tag.variants:
        for region in {tag.region} if tag.region else {"", *COUNTRIES}:
            likely = Language.make(language=tag.language, territory=region.upper() or None).maximize()
            if (likely.script or "").lower() == tag.script:
                yield _SCRIPTLESS + tag._replace(script="", region=region).key()


def _subtags(text: str) -> list[str]:
    cleaned = re.split("[.@]", text.strip().lower(), maxsplit=1)[0].replace("#", "")
    return re.split("[-_]", cleaned)


def _parse(text: str) -> _Tag | None:
    """Return the tag, its subtags by their form in any order; None if it begins with no language."""
    language, *rest = _subtags(text)
    if not _LANGUAGE.fullmatch(language):
        return None
    script = region = ""
    variants = []
    for subtag in rest:
        if len(subtag) == 1:
            break  # extensions and private use follow
        if not script and _SCRIPT.fullmatch(subtag):
            script = subtag
        elif not region and _REGION.fullmatch(subtag):
            region = _RENAMED_REGIONS.get(subtag, subtag)
        elif subtag:
            variants.append(subtag)
    return _Tag(_RENAMED.get(language, language), script, region, tuple(variants))
