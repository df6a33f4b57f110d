"""What the form takes for the countries and languages of a popup. Rows that are stored already are not judged by it."""

import re

from django.core.exceptions import ValidationError

from popups.rules import split_list

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

_LANGUAGE = re.compile(
    "[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*", re.ASCII
)  # of BCP 47: language, script, region, variants


def validate_countries(text: str) -> None:
    """Raise ValidationError for a list with an item that is not a code of ISO 3166-1 alpha-2."""
    if unknown := [item for item in split_list(text) if item not in COUNTRIES]:
        raise ValidationError(f"{unknown[0]} is not the two-letter code of a country (ISO 3166-1), such as DE.")


def validate_languages(text: str) -> None:
    """Raise ValidationError for a list with an item that is not a language tag."""
    if unknown := [item for item in split_list(text) if not _LANGUAGE.fullmatch(item)]:
        raise ValidationError(f"{unknown[0]} is not the tag of a language (BCP 47), such as zh or en-US.")
