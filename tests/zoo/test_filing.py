"""Values that nobody knows before the SQL are held after it, before the commit."""

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from caching.api import Batch
from tests.support.threads import in_another_thread
from tests.zoo.models import Filing, filings_of_day, filings_of_desk, filings_of_drawer


def ask(question):
    batch = Batch()
    batch.add(question)
    batch.run()
    return question.result


def state():
    found = {}
    for name, value in (("slug", "slug-new"), ("slug", "slug-newer"), ("shelf", "shelf of new")):
        try:
            found[value] = Filing.objects.get_one(**{name: value}).title
        except Filing.DoesNotExist:
            found[value] = None
    today = datetime.date.today()  # noqa: DTZ011  what DateField(auto_now) says, by the zone of the settings
    lists = [ask(filings_of_day.of(today)), ask(filings_of_desk.of(3)), ask(filings_of_drawer.of(3))]
    return found, *lists, ask(filings_of_drawer.of(5))


WAYS = {
    "save": lambda: Filing(title="new", desk=3).save(),
    "create": lambda: Filing.objects.create(title="new", desk=3),
    "defaults of the database": lambda: Filing.objects.create(title="new"),
    "get_or_create": lambda: Filing.objects.get_or_create(title="new"),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_insert_is_heard(way):
    nothing = ({"slug-new": None, "slug-newer": None, "shelf of new": None}, [], [], [], [])
    assert state() == nothing
    with transaction.atomic():
        WAYS[way]()
        assert in_another_thread(state) == nothing
    pk = Filing.objects.get().pk
    there = ({"slug-new": "new", "slug-newer": None, "shelf of new": "new"}, [pk], [pk], [pk], [])
    assert state() == in_another_thread(state) == there
    Filing.objects.update_one(pk, title="newer", slug="", drawer=0, shelf="")
    moved = ({"slug-new": None, "slug-newer": "newer", "shelf of new": None}, [pk], [pk], [], [pk])
    assert state() == in_another_thread(state) == moved


def test_many_inserted_at_once_are_heard():
    """`bulk_create()` sends no signals, but fields fill their columns."""
    before = state()
    Filing.objects.bulk_create([Filing(title="new", shelf="shelf of new", drawer=3)])
    pk = Filing.objects.get().pk
    assert before != state() == ({"slug-new": "new", "slug-newer": None, "shelf of new": "new"}, [pk], [pk], [pk], [])


def test_an_owner_that_only_the_database_knows_is_refused():
    filing = Filing.objects.create(title="new")
    filing.desk = F("desk") + 1
    with pytest.raises(ValidationError, match="cannot know the value of an expression"):
        filing.save()
    assert Filing.objects.get().desk == 3
    Filing.objects.update(desk=F("desk") + 1)
    assert (ask(filings_of_desk.of(3)), ask(filings_of_desk.of(4))) == ([], [filing.pk])
