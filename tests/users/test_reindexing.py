"""manage.py reindex_search: resumable, beside writers, and what a search finds before it has run."""

import random
from io import StringIO

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from tests.support.crashes import dies_before
from tests.support.forkserver import run_in_processes, run_until_killed
from users import reindexing
from users.models import SearchIndex, SearchTerm, User
from users.terms import VERSION, terms_of

pytestmark = pytest.mark.django_db(transaction=True)


def reindex(**options):
    said = StringIO()
    call_command("reindex_search", stdout=said, verbosity=0, **options)
    return said.getvalue()


def settled():
    """Return whether every user has exactly the terms of the names; inactive ones have none."""
    terms = {}
    for user_id, term in SearchTerm.objects.values_list("user_id", "term"):
        terms.setdefault(user_id, set()).add(term)
    people = User.objects.values_list("pk", "username", "nickname", "is_active")
    wanted = {pk: terms_of(name, nickname) for pk, name, nickname, is_active in people if is_active}
    return terms == wanted


@pytest.fixture
def people(new_user, monkeypatch):
    """Twelve users with the terms of the release before: names as typed, in small letters; two are inactive."""
    monkeypatch.setattr(reindexing, "BATCH", 5)
    SearchIndex.objects.all().delete()
    made = [new_user(f"user_{number}", nickname=f"José {number}") for number in range(12)]
    SearchTerm.objects.all().delete()
    for person in made:
        for term in (person.username, "josé", person.username[5:]):
            SearchTerm.objects.create(term=term, user_id=person.pk)
    User.objects.filter(pk__in=[made[0].pk, made[11].pk]).update(is_active=False)
    return made


def test_before_and_after_an_upgrade(api, people):
    def found(q):
        return len(api.get("users/search", by=people[1], query={"q": q}).json["results"])

    assert (found("user_3"), found("user"), found("jose"), found("josé")) == (1, 10, 0, 0)
    with pytest.raises(SystemExit):
        reindex(check=True)
    assert reindex() == "The search terms of 12 users are those of this release.\n"
    assert settled()
    assert (found("user_3"), found("user"), found("jose"), found("josé")) == (1, 10, 10, 10)
    assert reindex(check=True) == reindex() == "All users have the search terms of this release.\n"
    SearchTerm.objects.all().delete()
    reindex(restart=True)
    assert settled()


def test_it_goes_on_where_it_has_stopped(people, monkeypatch):
    keep_terms, calls = reindexing.keep_terms, []

    def fail_at_the_second(user_ids):
        calls.append(user_ids)
        if len(calls) == 2:
            raise DatabaseError("away")
        keep_terms(user_ids)

    with monkeypatch.context() as away:
        away.setattr(reindexing, "keep_terms", fail_at_the_second)
        with pytest.raises(CommandError, match=r"away\. Nothing is lost: run the command again"):
            reindex()
    assert SearchIndex.objects.get(version=VERSION).done_up_to == people[4].pk
    assert not reindexing.is_complete()
    assert reindex().splitlines() == [
        f"Going on after user {people[4].pk}.", "The search terms of 7 users are those of this release."
    ]  # fmt: skip
    assert settled()


def die_before_a_commit():
    reindexing.BATCH = 5
    connection.ensure_connection()
    for _ in reindexing.run():
        dies_before(connection, "_commit")


def test_a_run_that_is_killed(people):
    run_until_killed(die_before_a_commit)
    assert SearchIndex.objects.get(version=VERSION).done_up_to == people[4].pk
    assert not reindexing.is_complete()
    reindex()
    assert settled()


def rename_at_random(user_ids, seed):
    chance = random.Random(seed)
    for _ in range(40):
        columns = {"nickname": chance.choice(["Zoë", "王小明", "Ann Bell", ""]), "is_active": chance.random() < 0.8}
        User.objects.update_one(chance.choice(user_ids), **columns)


def reindex_often():
    for _ in range(8):
        for _ in reindexing.run(restart=True):
            pass


def test_beside_writers(people):
    user_ids = [person.pk for person in people]
    run_in_processes((rename_at_random, user_ids, 1), (rename_at_random, user_ids, 2), (reindex_often,))
    assert settled()
    assert reindexing.is_complete()


def test_two_runs_at_once(people):
    run_in_processes((reindex_often,), (reindex_often,))
    assert settled()


def test_a_check_tells_of_it(people):
    def ids():
        return [message.id for message in checks.run_checks(tags=[checks.Tags.database], databases=["default"])]

    assert "users.W004" in ids()
    reindex()
    assert "users.W004" not in ids()
