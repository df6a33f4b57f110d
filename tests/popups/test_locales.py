"""Languages and countries by BCP 47: what a user has, and what a popup is for, in whatever spelling."""

import pytest

from popups.config.locales import canonical_language, countries_met, country_wanted, languages_met, languages_wanted
from popups.models import Popup

pytestmark = pytest.mark.django_db(transaction=True)

MET = [  # popup, users
    ("zh-CN", ["zh-CN", "zh_CN", "ZH_cn", "zh-Hans-CN", "zh_Hans_CN", "zh_CN_#Hans", "zh_CN.UTF-8", "zh-CN-x-app"]),
    ("zh_cn", ["zh-CN", "zh-Hans-CN"]),
    ("pt-BR", ["pt_BR", "pt-br", "pt-Latn-BR", "pt_BR@euro"]),
    ("zh-Hans", ["zh-Hans-CN", "zh-Hans", "zh_CN", "zh-SG", "zh", "ZH-HANS"]),
    ("zh-Hant", ["zh-TW", "zh_HK", "zh-Hant-TW", "zh-Hant", "zh_TW_#Hant"]),
    ("zh-Hans-CN", ["zh-Hans-CN", "zh_CN", "zh-CN"]),
    ("zh", ["zh", "zh-CN", "zh_TW", "zh-Hant-HK", "zh-yue"]),
    ("sr-Latn", ["sr-Latn-RS", "sr-ME", "sr_Latn"]),
    ("sr-Cyrl", ["sr", "sr-RS"]),
    ("en-US", ["en_US_POSIX", "en-US-u-hc-h24", " en-US "]),
    ("he", ["iw", "iw_IL", "he-IL"]),
    ("iw", ["he"]),
    ("id", ["in_ID"]),
    ("de-CH-1996", ["de-CH-1996", "de_ch_1996"]),
    ("es-419", ["es-419", "es_419"]),
    ("english", ["English"]),  # stored before the form asked for tags
]  # fmt: skip
NOT_MET = [
    ("zh-CN", ["zh", "zh-TW", "zh-Hans", "zh-SG"]),
    ("zh-Hans", ["zh-TW", "zh-Hant-CN", "zh_HK", "zh-Hant"]),
    ("zh-Hant", ["zh", "zh-CN", "zh-Hans-TW"]),
    ("zh-Hans-CN", ["zh-Hans-SG", "zh-Hans", "zh-SG", "zh"]),
    ("en", ["eng", "", " ", "-", "中文", "1", "e"]),
    ("pt-BR", ["pt", "pt-PT", "br"]),
    ("de-CH-1996", ["de-CH"]),
    ("es-419", ["es-MX"]),  # which regions are parts of others is not compared
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "languages"), MET, ids=str)
def test_languages_that_meet(wanted, languages):
    assert [text for text in languages if languages_wanted(wanted).isdisjoint(languages_met(text))] == []


@pytest.mark.parametrize(("wanted", "languages"), NOT_MET, ids=str)
def test_languages_that_do_not(wanted, languages):
    assert [text for text in languages if not languages_wanted(wanted).isdisjoint(languages_met(text))] == []


def test_countries():
    for wanted, met, not_met in (
        ("CN", ["cn", "CN", " cn "], ["C", "", "CNN", "TW"]),
        ("us", ["US", "US-CA", "us_ny"], ["CA", "AUS", "U"]),
        ("US-CA", ["us_ca"], ["US", "US-NY"]),
        ("GB", ["uk", "UK", "GB-SCT"], ["UA"]),
        ("UK", ["gb"], []),
        ("Germany", ["germany"], ["DE"]),
    ):
        assert [text for text in met if country_wanted(wanted) not in countries_met(text)] == []
        assert [text for text in not_met if country_wanted(wanted) in countries_met(text)] == []


def test_the_usual_form_of_a_language():
    for text, form in (
        ("ZH_hans_cn", "zh-Hans-CN"), ("EN-us", "en-US"), ("pt_br", "pt-BR"), ("iw", "he"), ("es-419", "es-419"),
        ("xx-YY", None), ("german", None), ("", None), ("zh-", None), ("zh_CN_#Hans", None), ("zh-x-app", None),
    ):  # fmt: skip
        assert canonical_language(text) == form, text


@pytest.mark.parametrize(
    ("popup_has", "user_has"),
    [
        ({"languages": "zh-CN"}, {"language": "zh_CN"}), ({"languages": "pt-BR, fr"}, {"language": "pt_BR"}),
        ({"languages": "zh-Hans"}, {"language": "zh-Hans-CN"}), ({"languages": "zh_cn"}, {"language": "zh-Hans-CN"}),
        ({"countries": "us"}, {"country": "US_CA"}),
    ],
)  # fmt: skip
def test_over_http_and_in_the_dry_run(api, root, enter, alice, bob, popup_has, user_has):
    """The user writes the own language and country, as an application does."""
    assert api.patch("users/me", user_has, by=alice).status == 200
    popup = Popup.objects.create(title="Hello", **popup_has)
    page = root.get("/admin/popups/popup/dry-run/", {"user": "alice", "placement": "home"})
    assert [line.popup for line in page.context["dry_run"].lines if line.is_next] == [popup]
    assert enter(alice).json["popup"]["id"] == popup.pk
    assert enter(bob).json["popup"] is None


def test_what_users_say_takes_bounded_memory():
    for number in range(3_000):
        languages_met(f"x{number}-CN"), countries_met(f"y{number}")
    assert languages_met.cache_info().currsize <= languages_met.cache_info().maxsize == 2_000
    assert countries_met.cache_info().currsize <= countries_met.cache_info().maxsize == 2_000
