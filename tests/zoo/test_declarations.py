"""Declarations are validated when the application loads, and refused at the first use whatever the checks say."""

import re

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.db.models import Exists, F, OuterRef, Q, UniqueConstraint, Value
from django.db.models.functions import Lower, Now

from caching.api import Cached, CachedModel, EdgeModel, EdgeValue, IdList, IdSet, redis_client
from tests.zoo.models import Category, Converting, Upload

pytestmark = pytest.mark.usefixtures("misdeclared")


def declare(base=CachedModel, *, meta=None, bases=(), **body):
    """Return a new model `Thing`."""
    options = {"app_label": "zoo", "__qualname__": "Meta", **(meta or {})}
    body |= {"__module__": __name__, "Meta": type("Meta", (base.Meta,), options)}
    return type("Thing", bases or (base,), body)


def found(thing, level=checks.ERROR):
    label = "zoo.Thing"
    return [
        f"{each.id} {each.msg} {each.hint}"
        for each in checks.run_checks()
        if each.level >= level
        and each.id.startswith("caching.")
        and label.lower() in str(each.obj and label_of(each.obj))
    ]


def label_of(obj):
    return obj._meta.label_lower if hasattr(obj, "_meta") else str(obj)


def text(**options):
    return models.CharField(max_length=40, **options)


def columns():
    return {
        "email": text(unique=True), "password": text(), "number": models.IntegerField(unique=True),
        "ratio": models.FloatField(unique=True), "converted": Converting(max_length=9, unique=True),
        "lower": models.GeneratedField(
            expression=Lower("email"), output_field=text(), db_persist=True, unique=True, null=True
        ),
        "pair": text(), "loose": text(), "some": text(),
    }  # fmt: skip


META = {
    "unique_together": (("email", "pair"),),
    "constraints": [
        UniqueConstraint(fields=["some"], condition=Q(number__gt=1), name="partly"),
        UniqueConstraint(Lower("loose"), name="folded"),
    ],
}
WRONG = [
    ({"never": ("pasword",)}, "caching.E010 .*names 'pasword', which is no column of the model.*password"),
    ({"lookups": ("emial",)}, "caching.E010 .*lookups=…. names 'emial'"),
    ({"since": "made"}, "caching.E010 .*since=…. names 'made'"),
    ({"never": ("objects",)}, "caching.E010"),
    ({"never": ("id",)}, "caching.E010 .*names the primary key"),
    ({"lookups": ("pair",)}, "caching.E011 .*'pair', which is not unique"),
    ({"lookups": ("some",)}, "caching.E011 .*'some', which is not unique"),
    ({"lookups": ("loose",)}, "caching.E011 .*'loose', which is not unique"),
    ({"lookups": ("ratio",)}, "caching.E012 .*'ratio' cannot stand in keys: values of a FloatField"),
    ({"lookups": ("converted",)}, "caching.E012 .*'converted' cannot stand in keys: Converting has conversions"),
    ({"lookups": ("lower",)}, "caching.E012 .*'lower' cannot stand in keys: the database computes"),
    ({"since": "email"}, "caching.E014 .*'email', which is no date"),
    ({"live": "alive"}, "caching.E010 .*live=…. names 'alive'"),
    ({"live": "number"}, "caching.E014 .*'number', which is no cached column of booleans"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG, ids=lambda value: str(value)[:30])
def test_what_a_model_declares(options, sentence):
    thing = declare(meta=META, cached=Cached(**options), **columns())
    (told,) = found(thing)
    assert re.search(sentence, told), told
    for use in (
        lambda: thing.objects.get_one(1), lambda: thing.objects.create(email="a", password="secret"),
        lambda: thing.objects.get_one(email="a"), lambda: thing.objects.filter(pk=1).update(password="secret"),
    ):  # fmt: skip
        with pytest.raises(ImproperlyConfigured):
            use()
    assert b"secret" not in b"".join(redis_client().scan_iter())


def test_rows_with_json_are_not_remembered():
    thing = declare(meta=META, cached=Cached(remembered=9), **columns(), notes=models.JSONField(default=dict))
    (told,) = found(thing)
    assert re.search("caching.E023 .*JSON in 'notes'", told), told
    with pytest.raises(ImproperlyConfigured):
        thing.objects.get_one(1)


@pytest.mark.parametrize("name", ["one", "one_id"])
def test_names_in_either_form_are_right(name):
    target = {"one": models.OneToOneField(Category, models.CASCADE, related_name="+")}
    thing = declare(meta=META, cached=Cached(never=("password",), lookups=("email", name)), **columns(), **target)
    assert found(thing) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ttl_s": 0}, "ttl_s=….* is a positive number"),
        ({"ttl_s": -1}, "positive"),
        ({"ttl_s": "60"}, "positive"),
        ({"ttl_s": True}, "positive"),
        ({"negative_ttl_s": float("inf")}, "negative_ttl_s"),
        ({"remembered": -1}, "remembered"),
        ({"never": "password"}, r"never=…. takes names of columns, such as never=\('email',\)"),
        ({"lookups": "email"}, "lookups=…"),
        ({"lookups": (1,)}, "lookups=…"),
        ({"lookups": ("a",), "never": ("a",)}, "'a'"),
    ],
)
def test_options_are_refused_at_once(options, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        Cached(**options)


PKS = [
    (models.FloatField(primary_key=True), "E012 .*values of a FloatField have no one form"),
    (models.BinaryField(primary_key=True, max_length=9), "E012 .*BinaryField"),
    (models.DurationField(primary_key=True), "E012 .*DurationField"),
    (Converting(primary_key=True, max_length=9), "E012 .*Converting has conversions of its own"),
]


@pytest.mark.parametrize(("pk", "sentence"), PKS, ids=str)
def test_primary_keys_that_have_no_one_form(pk, sentence):
    thing = declare(key=pk.clone())
    (told,) = found(thing)
    assert re.search(sentence, told), told
    with pytest.raises(ImproperlyConfigured, match="cannot stand in keys"):
        thing.objects.get_one("x")


def test_a_key_of_several_columns():
    body = {"a": models.IntegerField(), "b": models.IntegerField(), "pk": models.CompositePrimaryKey("a", "b")}
    thing = declare(**body)
    (told,) = found(thing)
    assert "E013 The primary key has several columns" in told
    with pytest.raises(ImproperlyConfigured, match="several columns"):
        thing.objects.get_one((1, 2))


def test_a_proxy_with_another_declaration():
    thing = declare(name=text(), secret=text())
    meta = type("Meta", (CachedModel.Meta,), {"app_label": "zoo", "proxy": True})
    body = {"__module__": __name__, "Meta": meta, "cached": Cached(never=("secret",))}
    type("ThingProxy", (thing,), body)
    told = [each for each in checks.run_checks() if each.id == "caching.E020"]
    assert "another than that of zoo.Thing, whose rows and entries it shares" in told[0].msg


def test_a_child_does_not_leak_what_its_parent_never_caches():
    thing = declare(name=text(), secret=text(), cached=Cached(never=("secret",)))
    meta = type("Meta", (CachedModel.Meta,), {"app_label": "zoo"})
    child = type("Child", (thing,), {"__module__": __name__, "Meta": meta, "cached": Cached(), "more": text()})
    from caching.columns import cached_fields

    assert {field.name for field in cached_fields(child)} == {"id", "name", "thing_ptr", "more"}


# Id sets, id lists, values of edges.


def edge(*, constraints=True, **extra):
    fields = {
        "owner": models.BigIntegerField(), "member": models.BigIntegerField(), "score": models.IntegerField(null=True),
        "name": text(), "ratio": models.FloatField(), "converted": Converting(max_length=9),
        "upload": models.ForeignKey(Upload, models.CASCADE, related_name="+"),
        "category": models.ForeignKey(Category, models.CASCADE, related_name="+"),
    }  # fmt: skip
    unique = [UniqueConstraint(fields=["owner", "member"], name="once")] if constraints is True else constraints
    return declare(EdgeModel, meta={"constraints": unique or []}, **fields | extra)


NOT_UNIQUE = [
    [],
    [UniqueConstraint(fields=["owner", "member"], condition=Q(score=1), name="partly")],
    [UniqueConstraint(fields=["owner", "member", "score"], name="three")],
    [UniqueConstraint("owner", "member", name="expressions")],
    [UniqueConstraint(fields=["owner", "member"], deferrable=models.Deferrable.DEFERRED, name="later")],
]


@pytest.mark.parametrize("constraints", NOT_UNIQUE, ids=lambda each: each[0].name if each else "none")
def test_pairs_must_be_unique(constraints):
    thing = edge(constraints=constraints)
    declared = [
        IdSet(thing, owner="owner", member="member"),
        EdgeValue(thing, owner="owner", member="member", value="score"),
    ]
    told = found(thing)
    assert [each.split()[0] for each in told if "E015" in each] == ["caching.E015"] * 2
    assert "'owner' and 'member' are not unique together: one of two equal rows may be deleted." in told[0]
    for each in declared:
        with pytest.raises(ImproperlyConfigured, match="not unique together"):
            each.among(1, [2]) if isinstance(each, IdSet) else each.of(1, [2])
    with pytest.raises(ImproperlyConfigured):
        thing.objects.create(owner=1, member=2)


@pytest.mark.parametrize(
    "constraints",
    [
        [UniqueConstraint(fields=["member", "owner"], name="turned")],
        [UniqueConstraint(fields=["member"], name="one")],
        [UniqueConstraint(fields=["owner", "member"], include=["score"], name="including")],
    ],
)
def test_any_constraint_that_makes_pairs_unique_is_enough(constraints):
    IdSet(edge(constraints=constraints), owner="owner", member="member")
    assert not [each for each in checks.run_checks() if each.id == "caching.E015"]


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (
            lambda thing: IdSet(thing, owner="ownr", member="member"),
            "'ownr' is no column of a table; there are id, owner",
        ),
        (lambda thing: IdSet(thing, owner="owner", member="x"), "'x' is no column"),
        (lambda thing: IdList(thing, owner="x", newest=3), "'x' is no column"),
        (lambda thing: EdgeValue(thing, owner="owner", member="member", value="x"), "'x' is no column"),
        (lambda thing: IdList(thing, owner="owner", newest=0), "positive"),
        (lambda thing: IdSet(thing, owner="owner", member="member", newest=-1), "positive"),
    ],
)
def test_names_of_columns_are_refused_at_once(declared, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        declared(edge())


KINDS = [
    (lambda thing: IdSet(thing, owner="ratio", member="member"), "E012 The column 'ratio' cannot stand in keys"),
    (lambda thing: IdSet(thing, owner="converted", member="member"), "E012 The column 'converted'"),
    (lambda thing: IdSet(thing, owner="owner", member="name"), "E016 'name' is no plain column of integers"),
    (lambda thing: IdSet(thing, owner="owner", member="upload"), "E016 'upload' is no plain column of integers"),
    (
        lambda thing: EdgeValue(thing, owner="owner", member="member", value="ratio"),
        "E016 'ratio' is no plain column of integers",
    ),
    (lambda thing: IdList(thing, owner="owner", newest=3, where=Q(category__name="x")), "another table"),
    (lambda thing: IdList(thing, owner="owner", newest=3, where=Q(nobody=1)), "'nobody', which is no column"),
    (lambda thing: IdList(thing, owner="owner", newest=3, where=Q(score__lt=Now())), "which is no constant"),
    (lambda thing: IdList(thing, owner="owner", newest=3, where=~Q(Q(score=F("score") + 1))), "which is no constant"),
    (
        lambda thing: IdList(
            thing, owner="owner", newest=3, where=Q(Exists(Upload.objects.filter(pk=OuterRef("upload"))))
        ),
        "which may look at other tables",
    ),
    (lambda thing: IdList(thing, owner="owner", newest=3, where=Q(score=Value(1))), "which is no constant"),
]


@pytest.mark.parametrize(("declared", "sentence"), KINDS, ids=[sentence for _, sentence in KINDS])
def test_kinds_of_columns(declared, sentence):
    thing = edge()
    question = declared(thing)
    told = found(thing)
    assert [each for each in told if sentence in each], told
    with pytest.raises(ImproperlyConfigured):
        question.here()


def test_conditions_of_own_columns_and_constants_are_right():
    thing = edge()
    for where in (
        Q(score=1), ~Q(score__in={3, 1, 2}) | Q(name="x", score=None), Q(category=1), Q(category__isnull=True),
        Q(category_id__gt=3), Q(category__pk=2), Q(category__id=2), Q(score__lt=F("member")), Q(pk__gt=1),
    ):  # fmt: skip
        IdList(thing, owner="owner", newest=3, where=where)
    assert not [each for each in found(thing) if "E018" in each]


def test_lists_of_other_conditions_have_other_keys_in_every_process():
    thing = edge()
    wheres = [
        Q(score=1), Q(score=2), ~Q(score=1), Q(score=1) | Q(name="x"), Q(score=1) & Q(name="x"), Q(score__in=[1, 2]),
        Q(score="1"), None,
    ]  # fmt: skip
    names = [IdList(thing, owner="owner", newest=3, where=where).name for where in wheres]
    assert len(set(names)) == len(names)
    one, other = (
        IdList(thing, owner="owner", newest=3, where=Q(score__in=each)).name for each in ({"b", "a"}, {"a", "b"})
    )
    assert one == other


def test_what_is_never_cached_is_in_no_other_entry():
    fields = {"owner": models.BigIntegerField(), "member": models.BigIntegerField(), "score": models.IntegerField()}
    meta = {"unique_together": (("owner", "member"),)}
    thing = declare(meta=meta, cached=Cached(never=("score",)), **fields)
    scores = EdgeValue(thing, owner="owner", member="member", value="score")
    assert "E019 The column 'score' must never be cached" in str(found(thing))
    with pytest.raises(ImproperlyConfigured, match="must never be cached"):
        scores.of(1, [2])


def test_lists_of_rows_whose_keys_are_no_integers():
    thing = edge(key=models.UUIDField(primary_key=True))
    IdList(thing, owner="owner", newest=3)
    assert "E016 'key' is no plain column of integers" in str(found(thing))


COLLATIONS = {"mysql": [None, "utf8mb4_general_ci"], "sqlite": ["NOCASE"], "postgresql": ["insensitive"]}


@pytest.mark.parametrize("collation", COLLATIONS[connection.vendor])
def test_texts_that_the_database_compares_its_own_way_are_no_owners(collation):
    thing = edge(tag=text(db_collation=collation))
    IdList(thing, owner="tag", newest=3)
    assert found(thing)[0].startswith("caching.E017 The database takes different spellings of the text 'tag' for one")


def test_texts_that_are_compared_byte_by_byte_are_owners():
    binary = {"mysql": "utf8mb4_bin", "sqlite": "BINARY", "postgresql": "C"}[connection.vendor]
    thing = edge(tag=text(db_collation=binary))
    IdList(thing, owner="tag", newest=3).here()
    assert found(thing) == []
