"""Verbs in coroutines: hits take no thread, everything else gives what the blocking verbs give."""

import asyncio
import gc
import threading
import time
import warnings

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import FieldError, SynchronousOnlyOperation, ValidationError
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import AsyncClient, override_settings
from django.urls import path

from caching.api import Batch, abatch, redis_client
from caching.entries.rows import rows_of
from caching.extend import Script, breaker
from caching.redis import event_loop
from caching.testutils import redis_usage, reset_cache
from tests.zoo.models import Cook, Liking, Recipe, Taste, liked, newest_recipes, stars_given

pytestmark = pytest.mark.any_database

NOBODY = 10**9
PAUSE_MS = 700  # longer than the socket timeout of the settings


@pytest.fixture
def ann(db):
    return Cook.objects.create_one(name="Ann", secret="s3cret")


@pytest.fixture(autouse=True)
def close_connections(db):
    """Close the connections of the thread in which Django runs what blocks."""
    yield
    asyncio.run(sync_to_async(connections.close_all)())


@pytest.fixture
def recipe(ann):
    recipe = Recipe.objects.create_one(title="Soup", cook=ann)
    Liking.objects.create(cook=ann, recipe=recipe)
    Taste.objects.create(cook=ann, recipe=recipe, stars=4)
    return recipe


@pytest.fixture
def no_threads(monkeypatch):
    """Refuse to hand work to a thread."""

    def refuse(*_, **__):
        raise AssertionError("work was handed to a thread")

    return lambda: monkeypatch.setattr("caching.reading.asynchronous.sync_to_async", refuse)


async def everything(ann, recipe):
    batch = Batch()
    rows = batch.rows(Cook, [ann.pk, NOBODY])
    sets = batch.add(liked.among(ann.pk, [recipe.pk, NOBODY]))
    newest, stars = batch.add(newest_recipes.of(ann.pk)), batch.add(stars_given.of(ann.pk, [recipe.pk, NOBODY]))
    await abatch(batch)
    cooks = Cook.objects
    return (
        rows.cols("name"), sets.result, newest.result, stars.result, await cooks.aget_one(ann.pk),
        await cooks.aget_one(name="Ann"), await cooks.aget_some([str(ann.pk), NOBODY]),
        await cooks.aget_one_cols(ann.pk, "name"), await Recipe.objects.aget_some_cols([recipe.pk], "title", "cook_id"),
    )  # fmt: skip


def test_hits_take_no_thread_and_say_what_misses_say(ann, recipe, no_threads, django_assert_num_queries):
    cold = asyncio.run(everything(ann, recipe))
    warm = asyncio.run(everything(ann, recipe))
    no_threads()
    before = threading.active_count()
    with django_assert_num_queries(0), redis_usage() as blocking:
        hits = asyncio.run(everything(ann, recipe))
    assert hits == warm == cold
    assert hits[0].results == [{"name": "Ann"}]
    assert hits[0].missing == [NOBODY]
    assert hits[1:4] == ({recipe.pk: True, NOBODY: False}, [recipe.pk], {recipe.pk: 4, NOBODY: None})
    assert threading.active_count() == before
    assert blocking.commands == 0, "nothing by the connections of threads"


def test_the_first_call_of_a_loop_takes_no_thread_either(ann, no_threads):
    Cook.objects.get_one(ann.pk)
    no_threads()
    assert asyncio.run(Cook.objects.aget_one(ann.pk)).name == "Ann"
    with pytest.raises(AssertionError, match="handed to a thread"):
        asyncio.run(Cook.objects.aget_one(NOBODY))


def test_what_is_not_there_and_what_is_wrong(ann):
    cooks = Cook.objects
    for raises, call in (
        (Cook.DoesNotExist, lambda: cooks.aget_one(NOBODY)),
        (Cook.DoesNotExist, lambda: cooks.aget_one_cols(NOBODY)),
        (Cook.DoesNotExist, lambda: cooks.aget_one(name="Nobody")),
        (Cook.DoesNotExist, lambda: cooks.aupdate_one(NOBODY, name="x")),
        (ValidationError, lambda: cooks.aget_one("x")),
        (FieldError, lambda: cooks.aget_some_cols([1], "secret")),
        (TypeError, lambda: cooks.aget_one()),
        (ValueError, lambda: cooks.aget_one(secret="x")),
    ):
        for _ in range(2):
            with pytest.raises(raises):
                asyncio.run(call())


def test_an_empty_question(db):
    async def scenario():
        await abatch(Batch())
        return await Cook.objects.aget_some([])

    assert asyncio.run(scenario()) == ([], [])


def test_writes_show_at_once(ann):
    async def scenario():
        await Cook.objects.aget_one(ann.pk), await Cook.objects.aget_one(name="Ann")
        await Cook.objects.aupdate_one(ann.pk, name="Bea")
        bea = await Cook.objects.acreate_one(name="Cid")
        return (await Cook.objects.aget_one(ann.pk)).name, await Cook.objects.aget_one(name="Cid") == bea

    assert asyncio.run(scenario()) == ("Bea", True)
    with pytest.raises(Cook.DoesNotExist):
        asyncio.run(Cook.objects.aget_one(name="Ann"))


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda: Cook.objects.get_one(1), "aget_one()"),
        (lambda: Cook.objects.get_one(name="Ann"), "aget_one()"),
        (lambda: Cook.objects.get_some([1]), "aget_some()"),
        (lambda: Cook.objects.get_one_cols(1), "aget_one_cols()"),
        (lambda: Cook.objects.get_some_cols([1]), "aget_some_cols()"),
        (lambda: Cook.objects.create_one(name="x"), "acreate_one()"),
        (lambda: Cook.objects.update_one(1, name="x"), "aupdate_one()"),
        (lambda: Batch().run(), "abatch(batch)"),
        (lambda: Recipe.objects.hydrate([], "cook"), "abatch(batch)"),
    ],
)
def test_a_blocking_verb_is_refused_in_a_coroutine(db, monkeypatch, call, instead):
    async def scenario():
        call()

    with pytest.raises(SynchronousOnlyOperation) as refused:
        asyncio.run(scenario())
    assert str(refused.value).endswith(f"blocks, and an event loop runs here: await {instead} instead.")


def test_django_s_own_escape_is_honoured(ann, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

    async def scenario():
        assert Cook.objects.get_one(ann.pk).name == "Ann"
        with transaction.atomic():
            Cook.objects.update_one(ann.pk, name="Bea")
            redis_client().delete(rows_of(Cook).key(ann.pk))  # evicted
            in_transaction = (await Cook.objects.aget_one(ann.pk)).name
        afterwards = (await Cook.objects.aget_one(ann.pk)).name
        connections.close_all()  # those of the event loop
        return in_transaction, afterwards

    assert asyncio.run(scenario()) == ("Bea", "Bea")


def test_a_transaction_that_has_called_a_coroutine_reads_its_own_writes(ann):
    """The holds are evicted, and another reader has filled the committed value meanwhile."""
    source = rows_of(Cook)
    Cook.objects.get_one(ann.pk)
    old = redis_client().get(source.key(ann.pk))
    with transaction.atomic():
        Cook.objects.update_one(ann.pk, name="Bea")
        redis_client().set(source.key(ann.pk), old)
        assert async_to_sync(Cook.objects.aget_one)(ann.pk).name == "Bea"
    assert async_to_sync(Cook.objects.aget_one)(ann.pk).name == "Bea"


def test_after_the_transaction_hits_take_no_thread_again(ann, no_threads):
    with transaction.atomic():
        Cook.objects.update_one(ann.pk, name="Bea")
        transaction.set_rollback(True)
    reset_cache()
    Cook.objects.get_one(ann.pk)
    no_threads()
    assert async_to_sync(Cook.objects.aget_one)(ann.pk).name == "Ann"


def test_scripts_of_a_batch_run_once(ann):
    count = Script("return redis.call('INCR', KEYS[1])")

    async def scenario():
        batch = Batch()
        rows, reply = batch.rows(Cook, [ann.pk]), batch.script(count, keys=["count"])
        await abatch(batch)
        return rows.instance(ann.pk).name, reply.result

    async def scenarios():
        await Cook.objects.aget_one(ann.pk)
        first, second = await scenario(), await scenario()
        await sync_to_async(Cook.objects.drop_entry)(ann.pk)
        third = await scenario()
        await sync_to_async(redis_client().script_flush)()
        return first, second, third, await scenario()

    assert asyncio.run(scenarios()) == (("Ann", 1), ("Ann", 2), ("Ann", 3), ("Ann", 4))


def test_without_redis_the_database_answers(ann, recipe):
    known = asyncio.run(everything(ann, recipe))
    breaker.trip(ConnectionError("away"))
    assert asyncio.run(everything(ann, recipe)) == known
    with override_settings(CACHING={"PREFIX": "zoo", "ENABLED": False}), redis_usage() as usage:
        assert asyncio.run(everything(ann, recipe)) == known
    assert usage.commands == 0


def test_a_hung_redis_costs_its_time_limit_once(ann):
    Cook.objects.get_one(ann.pk)

    async def scenario():
        await Cook.objects.aget_one(ann.pk)
        await sync_to_async(redis_client().client_pause)(PAUSE_MS)
        found = await asyncio.gather(*(Cook.objects.aget_one(ann.pk) for _ in range(20)))
        return {each.name for each in found}

    assert asyncio.run(scenario()) == {"Ann"}
    assert not breaker.is_closed
    time.sleep(PAUSE_MS / 1000)  # or the next test would begin with a hung Redis


def test_a_client_s_request_through_an_asynchronous_view(ann, settings, client):
    settings.ROOT_URLCONF = __name__
    Cook.objects.get_one(ann.pk)
    assert client.get(f"/{ann.pk}").content == b"Ann"
    assert asyncio.run(AsyncClient().get(f"/{ann.pk}")).content == b"Ann"


async def view(request, pk):
    return HttpResponse((await Cook.objects.aget_one(pk)).name)


urlpatterns = [path("<int:pk>", view)]


@pytest.mark.filterwarnings("error")
def test_loops_that_end_leave_no_connection_and_no_warning(ann):
    Cook.objects.get_one(ann.pk)

    async def cancelled():
        tasks = [asyncio.ensure_future(Cook.objects.aget_one(ann.pk)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks[1:]:
            task.cancel()
        return (await tasks[0]).name

    async def left_behind():
        asyncio.ensure_future(Cook.objects.aget_one(ann.pk))  # noqa: RUF006  cancelled by the end of the loop
        await asyncio.sleep(0)

    gc.collect()
    before = clients()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(20):
            assert asyncio.run(cancelled()) == "Ann"
            asyncio.run(left_behind())
        gc.collect()
    assert [str(each.message) for each in heard] == []
    assert clients() <= before + 1
    assert len(event_loop._clients) <= 1


def clients():
    return sum(1 for client in redis_client().client_list() if client["addr"])


def test_loops_of_several_threads_each_have_a_connection(ann):
    Cook.objects.get_one(ann.pk)
    names = []

    def in_thread():
        async def scenario():
            for _ in range(200):
                names.append((await Cook.objects.aget_one(ann.pk)).name)

        asyncio.run(scenario())

    threads = [threading.Thread(target=in_thread) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["Ann"] * 800
