"""An item to rate, and users who have rated it."""

import pytest

from ratings import services


@pytest.fixture(autouse=True)
def start(empty_cache_without_throttles):
    pass


@pytest.fixture
def item():
    return services.publish(title="Tea house by the lake", description="湖边的茶馆")


@pytest.fixture
def fans(new_user, item):
    """Twelve users who have rated the item."""
    people = [new_user(f"fan_{number:02}") for number in range(12)]
    for number, person in enumerate(people):
        services.rate(user_id=person.pk, item_id=item.pk, score=1 + number % 10)
    return people
