"""Behaviour 72: every interleaving of a model of quotas: a total cap over two shards is never exceeded, nor wasted.

A state of the model is what Redis and the table hold, and where each process is. From each state every step that can
come next is taken, so every order of claims, grants, returns, losses of entries, late messages and crashes is tried.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.short_form import SHORT

pytestmark = pytest.mark.django_db  # the folder's fixtures may look for what is pending

CAP, SHARDS, ASKERS = 2, (0, 1), (0, 1)
REQUESTS, LOSSES, CRASHES = 3 if SHORT else 4, 1, 1


class Entry(NamedTuple):
    """A total in a shard."""

    shown: int
    limit: int
    revision: int


class Quota(NamedTuple):
    """A row of the table."""

    granted: int = 0
    revision: int = 0


class Asker(NamedTuple):
    """A process that asks for a grant: what it saw, how far it is, and what it will commit or tell."""

    at: str = "idle"
    shard: int = 0
    seen: Entry = Entry(0, 0, 0)
    taken: tuple[Quota, ...] = ()
    told: Quota = Quota()


class World(NamedTuple):
    """`entries`: None where lost; `loading`: a reader's quota, read under the lock; `shown`: by shard, truly."""

    entries: tuple[Entry | None, ...] = (Entry(0, 0, 0), Entry(0, 0, 0))
    loading: tuple[Quota | None, ...] = (None, None)
    quotas: tuple[Quota, ...] = (Quota(), Quota())
    shown: tuple[int, ...] = (0, 0)
    lock: int | None = None
    askers: tuple[Asker, ...] = (Asker(), Asker())
    requests: int = REQUESTS
    losses: int = LOSSES
    crashes: int = CRASHES


def put(items, at, item):
    return (*items[:at], item, *items[at + 1 :])


def steps(world: World, broken: str) -> Iterator[World]:
    for shard in SHARDS:
        yield from of_shard(world, shard, broken)
    for number in ASKERS:
        yield from of_asker(world, number, broken)


def of_shard(world: World, shard: int, broken: str) -> Iterator[World]:
    """A device claims; the entry is lost; a reader loads it again, in two steps."""
    entry, loading = world.entries[shard], world.loading[shard]
    if entry and entry.shown < entry.limit:
        entries = put(world.entries, shard, entry._replace(shown=entry.shown + 1))
        yield world._replace(entries=entries, shown=put(world.shown, shard, world.shown[shard] + 1))
    if entry and world.losses:
        yield world._replace(entries=put(world.entries, shard, None), losses=world.losses - 1)
    if entry is None and loading is None and (world.lock is None or broken == "load without the lock"):
        yield world._replace(loading=put(world.loading, shard, world.quotas[shard]))
    if entry is None and loading is not None:
        loaded = Entry(world.shown[shard], loading.granted, loading.revision)
        yield world._replace(entries=put(world.entries, shard, loaded), loading=put(world.loading, shard, None))


def of_asker(world: World, number: int, broken: str) -> Iterator[World]:
    asker = world.askers[number]

    def become(next_world: World, asker: Asker) -> World:
        return next_world._replace(askers=put(next_world.askers, number, asker))

    if asker.at != "idle" and world.crashes:
        free = world._replace(lock=None) if world.lock == number else world
        yield become(free._replace(crashes=world.crashes - 1), Asker())
    if asker.at == "idle":
        for asking in requests(world):
            yield become(world._replace(requests=world.requests - 1), asking)
    elif asker.at == "asking" and world.lock is None:
        yield become(world._replace(lock=number), asker._replace(at="locked", taken=world.quotas))
    elif asker.at == "locked":
        is_told = asker.taken[asker.shard].granted > asker.seen.limit
        needs = not is_told and CAP - sum(quota.granted for quota in asker.taken) <= 0
        yield become(world, asker._replace(at="taking 0" if needs else "deciding"))
    elif asker.at.startswith("taking"):
        yield become(*take_back(world, asker, int(asker.at[-1]), broken))
    elif asker.at == "deciding":
        yield become(*decide(world, asker, broken))
    elif asker.at == "telling":
        yield become(tell(world, asker, broken), Asker())


def requests(world: World) -> Iterator[Asker]:
    for shard, entry in enumerate(world.entries):
        if entry and entry.shown >= entry.limit and world.requests:
            yield Asker("asking", shard, entry)


def take_back(world: World, asker: Asker, shard: int, broken: str) -> tuple[World, Asker]:
    """Limit one shard to what it has shown; a shard without an entry keeps its quota."""
    entry, quota = world.entries[shard], asker.taken[shard]
    at = "deciding" if shard == SHARDS[-1] else f"taking {shard + 1}"
    if entry is None:
        return world, asker._replace(at=at)
    revision = max(entry.revision, quota.revision) + 1
    limited = Entry(entry.shown, entry.shown, revision)
    entries = put(world.entries, shard, entry if broken == "return without telling" else limited)
    taken = put(asker.taken, shard, Quota(entry.shown, revision))
    return world._replace(entries=entries), asker._replace(at=at, taken=taken)


def decide(world: World, asker: Asker, broken: str) -> tuple[World, Asker]:
    """Commit what was taken back, and a grant of one if anything is left."""
    own = asker.taken[asker.shard]
    left = CAP - sum(quota.granted for quota in asker.taken)
    if own.granted <= asker.seen.limit or asker.taken != world.quotas:
        if left <= 0:
            return world._replace(lock=None, quotas=asker.taken), Asker()
        own = own._replace(granted=own.granted + max(left // (2 * len(SHARDS)), 1))
    own = own._replace(revision=max(own.revision, asker.seen.revision) + 1)
    quotas = put(asker.taken, asker.shard, own)
    return world._replace(lock=None, quotas=quotas), asker._replace(at="telling", told=own)


def tell(world: World, asker: Asker, broken: str) -> World:
    entry = world.entries[asker.shard]
    if entry is None or (entry.revision >= asker.told.revision and broken != "no revisions"):
        return world
    told = Entry(entry.shown, asker.told.granted, asker.told.revision)
    return world._replace(entries=put(world.entries, asker.shard, told))


def explore(broken: str = "") -> tuple[int, int, list[World]]:
    """Return the number of states, the most showings in any of them, and those in which nothing can follow."""
    seen, waiting, most, ends = {World()}, [World()], 0, []
    while waiting:
        world = waiting.pop()
        most = max(most, sum(world.shown))
        following = [*steps(world, broken)]
        if all(each.shown == world.shown for each in following) and is_quiet(world):
            ends.append(world)
        for each in following:
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    return len(seen), most, ends


def is_quiet(world: World) -> bool:
    return all(asker.at == "idle" for asker in world.askers) and None not in world.entries


def can_show_all(world: World) -> bool:
    """Return whether some order of steps without losses and crashes shows the whole cap."""
    seen, waiting = set(), [world._replace(requests=2 * len(SHARDS), losses=0, crashes=0)]
    while waiting:
        each = waiting.pop()
        if sum(each.shown) == CAP:
            return True
        for following in steps(each, ""):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


def test_the_cap_is_never_exceeded_and_always_within_reach():
    number, most, ends = explore()
    print(number, "states")
    assert most == CAP
    assert number > 10_000
    assert ends
    assert all(map(can_show_all, ends))


@pytest.mark.parametrize("broken", ["no revisions", "return without telling", "load without the lock"])
def test_simpler_variants_exceed_it(broken):
    _, most, _ = explore(broken)
    assert most > CAP
