"""Writes of many rows do exactly what they do to a plain model of Django, and entries follow."""

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connection, transaction
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value, When, Window
from django.db.models.functions import Concat, RowNumber

from caching.orm import querysets
from caching.testutils import redis_usage
from tests.support.threads import in_another_thread
from tests.zoo.models import Box, Depot, PlainBox, PlainStock, Sticker, Stock
from tests.zoo.models.bulk import stock_of
from tests.zoo.truth import Truth

COLUMNS = ("code", "rank", "n", "m", "note", "depot_id")


@pytest.fixture
@transaction.atomic
def stored():
    depots = Depot.objects.bulk_create([Depot(name=f"d{n}", size=n) for n in range(3)])
    stickers = Sticker.objects.bulk_create([Sticker(name=f"s{n}") for n in range(4)])
    for model in (Stock, PlainStock):
        for n in range(12):
            row = model.objects.create(code=f"c{n}", rank=n, n=n % 5, m=n, depot=[*depots, None][n % 4])
            row.stickers.set(stickers[: n % 4])
    for model in (Box, PlainBox):
        for n in range(3):
            model.objects.create(code=f"b{n}", rank=100 + n, n=n, width=n, depot=depots[n])


@pytest.fixture
def truth(stored):
    return Truth(Stock, Box, lists=[stock_of])


def rows(model):
    return model._base_manager


WRITES = {
    "a value": lambda model: model.objects.filter(n__gt=2).update(n=7),
    "all rows": lambda model: model.objects.update(n=F("n") + 1),
    "over a many-to-many join": lambda model: model.objects.filter(stickers__name__startswith="s").update(n=F("n") + 1),
    "over a join, distinct": lambda model: (
        model.objects.filter(stickers__name__startswith="s").distinct().update(n=F("n") + 1)
    ),
    "over a nullable join": lambda model: model.objects.filter(Q(depot__size=1) | Q(depot=None)).update(n=F("n") + 1),
    "over an isnull join": lambda model: model.objects.filter(stickers=None).update(n=F("n") + 10),
    "excluding a join": lambda model: model.objects.exclude(stickers__name="s1").update(n=F("n") + 1),
    "select_related": lambda model: model.objects.select_related("depot").update(n=F("n") + 1),
    "only": lambda model: model.objects.only("code").filter(n=1).update(n=9),
    "values": lambda model: model.objects.values("code").filter(n=1).update(n=9),
    "distinct": lambda model: model.objects.distinct().update(n=F("n") + 1),
    "ordered": lambda model: model.objects.order_by("-rank").update(n=F("n") + 1),
    "ordered by a join": lambda model: model.objects.order_by("depot__name").update(n=F("n") + 1),
    "unordered": lambda model: model.objects.order_by().update(rank=-F("rank") - 1),
    "a unique column upwards": lambda model: model.objects.order_by("-rank").update(rank=F("rank") + 1),
    "reversed": lambda model: model.objects.order_by("rank").reverse().update(n=3),
    "an annotation": lambda model: model.objects.annotate(twice=F("n") * 2).update(n=F("twice") + 1),
    "an annotation over a nullable join": lambda model: model.objects.annotate(size=F("depot__size")).update(n=5),
    "an annotation of another table": lambda model: model.objects.annotate(size=F("depot__size")).update(n=F("size")),
    "an aggregate": lambda model: model.objects.annotate(number=Count("stickers")).update(n=F("number")),
    "filtered by an aggregate": lambda model: (
        model.objects.annotate(number=Count("stickers")).filter(number__gt=1).update(n=F("n") + 1)
    ),
    "ordered by an aggregate": lambda model: (
        model.objects.annotate(number=Count("stickers")).order_by("number").update(n=1)
    ),
    "ordered by an annotation": lambda model: model.objects.annotate(x=-F("rank")).order_by("x").update(n=1),
    "filtered by an annotation": lambda model: model.objects.annotate(x=F("n") + F("m")).filter(x__gt=5).update(n=0),
    "an alias": lambda model: model.objects.alias(x=F("n") + F("m")).filter(x__gt=5).update(n=0),
    "a group": lambda model: model.objects.values("n").annotate(number=Count("pk")).update(n=0),
    "a filtered group": lambda model: model.objects.values("n").annotate(c=Count("pk")).filter(c__gt=2).update(n=0),
    "filtered by a window": lambda model: (
        model.objects.annotate(at=Window(RowNumber(), order_by="rank")).filter(at__lte=3).update(n=F("n") + 1)
    ),
    "a window": lambda model: model.objects.update(n=Window(RowNumber(), order_by="rank")),
    "a case": lambda model: model.objects.update(n=Case(When(n__gt=2, then=F("m")), default=Value(0))),
    "swapped columns": lambda model: model.objects.update(n=F("m"), m=F("n")),
    "swapped unique values": lambda model: model.objects.filter(rank__in=[0, 1]).update(
        code=Case(When(rank=0, then=Value("c1")), default=Value("c0"))
    ),
    "a subquery": lambda model: model.objects.exclude(depot=None).update(
        m=Subquery(Depot.objects.filter(pk=OuterRef("depot")).values("size")[:1]), n=4
    ),
    "the greatest": lambda model: model.objects.filter(n=model.objects.aggregate(a=Max("n"))["a"]).update(m=1),
    "in a subquery": lambda model: model.objects.filter(
        pk__in=model.objects.filter(n__gt=2).values("pk")
    ).update(n=F("n") + 1),
    "exists": lambda model: model.objects.filter(
        Exists(Sticker.objects.filter(**{model._meta.model_name + "_set": OuterRef("pk"), "name": "s1"}))
    ).update(n=F("n") + 1),
    "a slice": lambda model: model.objects.all()[:3].update(n=1),
    "a union": lambda model: model.objects.filter(n=1).union(model.objects.filter(n=2)).update(n=1),
    "or": lambda model: (model.objects.filter(n=1) | model.objects.filter(stickers__name="s0")).update(n=F("n") + 1),
    "none": lambda model: model.objects.none().update(n=1),
    "extra": lambda model: model.objects.extra(where=["n > 2"]).update(n=1),
    "a foreign key": lambda model: model.objects.filter(n=1).update(depot=Depot.objects.get(name="d0")),
    "a foreign key by attname": lambda model: model.objects.filter(n=1).update(depot_id=None),
    "a foreign key of a joined row": lambda model: model.objects.filter(depot__name="d0").update(depot=None),
    "an unknown column": lambda model: model.objects.update(nothing=1),
    "a joined column": lambda model: model.objects.update(n=F("depot__size")),
    "many-to-many": lambda model: model.objects.update(stickers=1),
    "a sum": lambda model: model.objects.update(n=Sum("m")),
    "the wrong type": lambda model: model.objects.update(n="x"),
    "a unique column clashes": lambda model: model.objects.update(rank=1),
    "a column that is not cached": lambda model: model.objects.update(note=Concat("note", Value("!"))),
    "one that is and one that is not": lambda model: model.objects.update(note="x", n=F("n") + 1),
    "no columns": lambda model: model.objects.update(),
    "by the base manager": lambda model: rows(model).filter(n=1).update(n=2),
    "in another database": lambda model: model.objects.using("default").filter(n=1).update(n=2),
    "bulk_update": lambda model: model.objects.bulk_update(_raised(model), ["n", "depot"], batch_size=5),
    "bulk_update over a join": lambda model: model.objects.exclude(stickers=None).bulk_update(_raised(model), ["n"]),
    "bulk_update by expressions": lambda model: model.objects.bulk_update(_raised(model, F("n") + 1), ["n"]),
    "bulk_update of nothing": lambda model: model.objects.bulk_update([], ["n"]),
    "bulk_update of the key": lambda model: model.objects.bulk_update(_raised(model), ["id"]),
    "bulk_update of an unsaved row": lambda model: model.objects.bulk_update([model(n=1)], ["n"]),
    "related update": lambda model: _related(model).update(n=F("n") + 1),
    "related add": lambda model: _related(model).add(*model.objects.filter(n=1)),
    "related set": lambda model: _related(model).set(model.objects.filter(n=2)),
    "related clear": lambda model: _related(model).clear(),
    "related remove": lambda model: _related(model).remove(_related(model).order_by("code").first()),
    "aupdate": lambda model: _run(lambda: model.objects.filter(stickers__name="s0").aupdate(n=F("n") + 1)),
    "aupdate_or_create": lambda model: _run(lambda:
        model.objects.aupdate_or_create(code="c1", defaults={"n": 77})
    )[1],
    "adelete": lambda model: _numbers(_run(lambda: model.objects.filter(n=1).adelete())),
    "abulk_create": lambda model: len(_run(lambda: model.objects.abulk_create(_new(model)))),
    "abulk_update": lambda model: _run(lambda: model.objects.abulk_update(_raised(model), ["n"])),
    "acreate": lambda model: _run(lambda: model.objects.acreate(code="z", rank=999)).n,
    "asave": lambda model: _run(lambda: _renumbered(model).asave()),
    "bulk_create": lambda model: len(model.objects.bulk_create(_new(model), batch_size=1)),
    "delete": lambda model: _numbers(model.objects.filter(n=1).delete()),
    "delete over a join": lambda model: _numbers(model.objects.filter(stickers__name__startswith="s").delete()),
    "delete over a nullable join": lambda model: _numbers(
        model.objects.filter(Q(depot__size=1) | Q(depot=None)).delete()
    ),
    "delete distinct": lambda model: _numbers(model.objects.filter(stickers__name__gt="s").distinct().delete()),
    "delete by an aggregate": lambda model: _numbers(
        model.objects.annotate(number=Count("stickers")).filter(number__gt=1).delete()
    ),
    "_raw_delete": lambda model: _bare(model).filter(n=1)._raw_delete("default"),
    "_raw_delete over a join, which has to delete": lambda model: (
        _bare(model).filter(depot__size=1)._raw_delete("default")
    ),
    "delete of a slice": lambda model: model.objects.all()[:2].delete(),
    "delete of values": lambda model: model.objects.values("pk").delete(),
    "delete of a union": lambda model: model.objects.filter(n=1).union(model.objects.filter(n=2)).delete(),
    "delete of everything": lambda model: _numbers(model.objects.all().delete()),
    "delete of a deferred row": lambda model: _numbers(model.objects.only("code").get(code="c1").delete()),
    "delete only": lambda model: _numbers(model.objects.only("code").filter(n=1).delete()),
    "delete select_related": lambda model: _numbers(model.objects.select_related("depot").filter(n=1).delete()),
    "a child's own column": lambda model: _child(model).objects.update(width=F("width") + 1),
    "a parent's column by the child": lambda model: _child(model).objects.update(n=F("n") + 1),
    "columns of both by the child": lambda model: _child(model).objects.filter(n=1).update(n=F("n") + 1, width=9),
    "a child over its parent's join": lambda model: (
        _child(model).objects.filter(depot__size__lte=1).update(n=F("n") + 1, width=F("width") + 1)
    ),
    "a parent's foreign key by the child": lambda model: _child(model).objects.filter(n=1).update(depot=None),
    "a child by an annotation": lambda model: (
        _child(model).objects.annotate(x=F("width") * 2).filter(x__gt=0).update(width=F("x"))
    ),
    "bulk_update of a child": lambda model: _child(model).objects.bulk_update(_raised(_child(model)), ["n", "width"]),
    "bulk_create of a child": lambda model: _child(model).objects.bulk_create([_child(model)(code="x", rank=50)]),
    "delete of children": lambda model: _numbers(_child(model).objects.filter(n__lte=1).delete()),
    "delete of children over a join": lambda model: _numbers(_child(model).objects.filter(depot__size=1).delete()),
    "update of parents": lambda model: model.objects.filter(code__startswith="b").update(n=F("n") + 1),
}  # fmt: skip


def _run(call):
    async def awaited():
        return await call()

    return async_to_sync(awaited)()


def _child(model):
    return {Stock: Box, PlainStock: PlainBox}[model]


def _raised(model, by=None):
    found = list(model.objects.all())
    for row in found:
        row.n = by or row.n + 1
        row.depot_id = None
        row.width = 3
    return found


def _renumbered(model):
    row = model.objects.get(code="c1")
    row.n = 55
    return row


def _new(model):
    return [model(code=f"new{n}", rank=500 + n) for n in range(3)]


def _bare(model):
    """Return rows that nothing refers to."""
    model.stickers.through.objects.all().delete()
    _child(model).objects.all().delete()
    return model.objects


def _related(model):
    return getattr(Depot.objects.get(name="d0"), f"{model._meta.model_name}_set")


def _numbers(deleted):
    total, by_label = deleted
    return total, {label.replace("Plain", ""): number for label, number in by_label.items() if number}


def outcome(model, write):
    """Return what a write returns, or the error that it raises."""
    try:
        with transaction.atomic():
            return write(model)
    except DatabaseError as error:
        return type(error)
    except Exception as error:
        return type(error), str(error).replace("Plain", "").replace("plain", "")


def table(model):
    """Return the rows of a model and of its child."""
    parents, children = (QuerySet(each).order_by("code") for each in (model, _child(model)))
    return [*parents.values_list(*COLUMNS), *children.values_list("code", "width")]


ALONE = [name for name in WRITES if "delete" in name]
TOGETHER = [name for name in WRITES if name not in ALONE]
TURNS = [*([name] for name in ALONE), *(TOGETHER[at : at + 5] for at in range(0, len(TOGETHER), 5))]


@pytest.mark.parametrize("names", TURNS, ids=", ".join)
def test_as_a_plain_model(truth, names):
    for name in names:
        expected = outcome(PlainStock, WRITES[name])
        assert outcome(Stock, WRITES[name]) == expected, name
        assert table(Stock) == table(PlainStock), name
    assert truth.holds()


def test_more_than_a_thousand_rows_over_a_join_are_written_once():
    stickers = Sticker.objects.bulk_create([Sticker(name=f"s{n}") for n in range(3)])
    made = Stock.objects.bulk_create([Stock(code=f"c{n}", rank=n) for n in range(600)])
    through = Stock.stickers.through
    through.objects.bulk_create([through(stock=row, sticker=each) for row in made for each in stickers])
    truth = Truth(Stock)
    with redis_usage() as usage:
        assert Stock.objects.filter(stickers__name__startswith="s").update(n=F("n") + 1) == 600
    assert usage.round_trips == 2
    assert set(Stock.objects.values_list("n", flat=True)) == {1}
    assert truth.holds()
    assert Stock.objects.update(n=F("n") + 1) == 600
    assert truth.holds()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
def test_a_row_that_comes_to_fulfil_the_conditions_meanwhile_is_not_written_unheard(truth, monkeypatch):
    """Its writer commits after the rows have been listed."""
    hold = querysets.hold_stored

    others = list(Stock.objects.filter(n=2).values_list("pk", flat=True))

    def hold_and_let_another_write(*args):
        hold(*args)
        monkeypatch.undo()
        in_another_thread(lambda: Stock.objects.filter(pk__in=others).update(n=1))
        truth.holds()

    monkeypatch.setattr(querysets, "hold_stored", hold_and_let_another_write)
    assert Stock.objects.filter(n=1).update(m=1000)
    assert truth.holds()
