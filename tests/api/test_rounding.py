"""Averages and rates are rounded half up, as SQL says, wherever they are shown."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.core.management import call_command

from api.rounding import rounded_ratio
from popups.admin.statistics import EventCounts
from ratings import services

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_what_decimals_say():
    for denominator in range(1, 90):
        for numerator in range(0, 900, 7):
            exact = Decimal(numerator) / Decimal(denominator)
            expected = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert Decimal(repr(rounded_ratio(numerator, denominator, places=2))) == expected


def test_an_average(api, alice, new_user, root):
    item = services.publish(title="Tea")
    for number, score in enumerate((8, 8, 8, 8, 8, 8, 8, 9)):  # 8.125
        services.rate(user_id=new_user(f"rater_{number}").pk, item_id=item.pk, score=score)
    assert api.get(f"ratings/{item.pk}", by=alice).json["score"] == 8.13
    assert api.get(f"ratings?ids={item.pk}", by=alice).json["results"][0]["score"] == 8.13
    assert api.put(f"ratings/{item.pk}/score", {"score": 8}, by=alice).json["score"] == 8.11
    assert api.delete(f"ratings/{item.pk}/score", by=alice).json["score"] == 8.13
    call_command("rollup_counters", once=True)
    for page in ("/admin/ratings/item/", f"/admin/ratings/item/{item.pk}/change/"):
        assert "8.13" in root.get(page).content.decode()


@pytest.mark.parametrize(
    ("clicked", "shown", "rate"), [(1, 16, "6.3 %"), (1, 8, "12.5 %"), (0, 3, "0.0 %"), (1, 0, "–")]
)
def test_click_rates(clicked, shown, rate):
    assert EventCounts(shown, clicked, 0).click_rate == rate
