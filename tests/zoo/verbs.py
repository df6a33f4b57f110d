"""Every way in which Django writes rows, for any model: the contract test goes through them, the random walk draws.

A verb gets a `Scene` and a model; it writes, or returns without having written where the model has nothing to offer.
"""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.admin import ModelAdmin, site
from django.core import serializers
from django.core.management import call_command
from django.db import models
from django.db.models import F

from tests.zoo.questions import AHEAD, admitted, is_cached, rows_of
from tests.zoo.values import Maker, is_automatic, is_in_constraint, writable_fields


class Scene:
    """What verbs draw on: numbers for new values, and the rows that there are."""

    def __init__(self, maker: Maker, rng: random.Random) -> None:
        self.maker, self.rng = maker, rng

    def row(self, model: Any) -> Any:
        """Return one of the rows that the model's manager admits; a new one if there is none."""
        rows = list(admitted(model).order_by("pk")[:20])
        return self.rng.choice(rows) if rows else self.maker.create(model)

    def key(self, model: Any) -> Any:
        """Return the key of one of the rows."""
        return self.row(model).pk

    def changes(self, model: Any) -> dict[str, Any]:
        """Return new values for some columns, or for all of them."""
        changes = self.maker.changes(model)
        if self.rng.random() < 0.5 and changes:
            names = self.rng.sample(sorted(changes), self.rng.randint(1, len(changes)))
            return {name: changes[name] for name in names}
        return changes


Verb = Callable[[Scene, Any], None]
VERBS: dict[str, Verb] = {}


def verb(function: Verb) -> Verb:
    """Add a verb that every model has."""
    VERBS[function.__name__] = function
    return function


def verb_of_the_cache(function: Verb) -> Verb:
    """Add a verb that only cached models have."""

    def where_it_is(scene: Scene, model: Any) -> None:
        if is_cached(model):
            function(scene, model)

    VERBS[function.__name__] = where_it_is
    return function


def assign(instance: Any, values: dict[str, Any]) -> Any:
    """Set attributes of an instance and return it."""
    for name, value in values.items():
        setattr(instance, name, value)
    return instance


@verb
def create(scene: Scene, model: Any) -> None:
    """`create()`, of a key and values for which the cache may have answered "nothing"."""
    model.objects.create(**scene.maker.fields(model))


@verb_of_the_cache
def create_one(scene: Scene, model: Any) -> None:
    """The cache's own verb."""
    model.objects.create_one(**scene.maker.fields(model))


@verb
def save_all(scene: Scene, model: Any) -> None:
    """`save()` of all columns of a row from the database."""
    assign(scene.row(model), scene.changes(model)).save()


@verb_of_the_cache
def save_named(scene: Scene, model: Any) -> None:
    """`save(update_fields=…)` of a row from the cache."""
    changes = scene.changes(model)
    if changes:
        assign(model.objects.get_one(scene.key(model)), changes).save(update_fields=list(changes))


@verb
def save_each(scene: Scene, model: Any) -> None:
    """`save(update_fields=…)`, column by column."""
    row = scene.row(model)
    for name, value in scene.maker.changes(model).items():
        assign(row, {name: value}).save(update_fields=[name])


@verb
def save_by_hand(scene: Scene, model: Any) -> None:
    """`save()` of an instance that was made with the key of a row, and was never read."""
    row = scene.row(model)
    if model._meta.parents or model._meta.pk.has_default():  # of the latter Django would insert a second row
        return
    values = {
        field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields if not field.generated
    }
    model(**values | scene.maker.changes(model)).save()


@verb
def update(scene: Scene, model: Any) -> None:
    """`update()` of one row."""
    if changes := scene.changes(model):
        model.objects.filter(pk=scene.key(model)).update(**changes)


@verb
def update_each(scene: Scene, model: Any) -> None:
    """`update()`, column by column."""
    key = scene.key(model)
    for name, value in scene.maker.changes(model).items():
        model.objects.filter(pk=key).update(**{name: value})


@verb
def update_many(scene: Scene, model: Any) -> None:
    """`update()` of all rows, by an expression where a column can be counted up."""
    plain = [field for field in writable_fields(model) if not is_in_constraint(field) and not field.remote_field]
    counters = [field for field in plain if type(field) in (models.IntegerField, models.PositiveIntegerField)]
    if counters:
        name = scene.rng.choice(counters).attname
        model.objects.filter(**{f"{name}__lt": 1_000_000, f"{name}__gte": 0}).update(**{name: F(name) + 1})
    elif plain:
        changes = scene.maker.changes(model)
        name = scene.rng.choice(plain).attname
        model.objects.all().update(**{name: changes[name]})


@verb_of_the_cache
def update_one(scene: Scene, model: Any) -> None:
    """The cache's own verb."""
    model.objects.update_one(scene.key(model), **scene.changes(model))


@verb
def bulk_update(scene: Scene, model: Any) -> None:
    """`bulk_update()` of up to three rows."""
    rows = list(rows_of(model).order_by("pk")[:3])
    linked = all(
        link.primary_key for parent in (model, *model._meta.all_parents) for link in parent._meta.parents.values()
    )
    # Django compares a parent's key with the child's, and sets the parent's columns to null, if these differ.
    names = [field.name for field in writable_fields(model) if linked or field.model is model]
    if rows and names:
        model.objects.bulk_update([assign(row, scene.maker.changes(model)) for row in rows], names)


@verb
def bulk_create(scene: Scene, model: Any) -> None:
    """`bulk_create()` of two rows."""
    if not model._meta.parents:
        model.objects.bulk_create([scene.maker.new(model), scene.maker.new(model)])


@verb
def get_or_create(scene: Scene, model: Any) -> None:
    """`get_or_create()`, once for a row that is there, once for one that is not."""
    model.objects.get_or_create(pk=scene.key(model), defaults=scene.maker.changes(model))
    fields = scene.maker.fields(model)
    model.objects.get_or_create(pk=_free_key(scene, model, fields), defaults=fields)


@verb
def update_or_create(scene: Scene, model: Any) -> None:
    """`update_or_create()`, once for a row that is there, once for one that is not."""
    model.objects.update_or_create(pk=scene.key(model), defaults=scene.changes(model))
    fields = scene.maker.fields(model)
    model.objects.update_or_create(pk=_free_key(scene, model, fields), defaults=fields)


def _free_key(scene: Scene, model: Any, fields: dict[str, Any]) -> Any:
    given = fields.pop(model._meta.pk.attname, None)
    return AHEAD + scene.maker.next() if given is None else given


@verb
def delete(scene: Scene, model: Any) -> None:
    """`delete()` of an instance from the database."""
    scene.row(model).delete()


@verb_of_the_cache
def delete_cached(scene: Scene, model: Any) -> None:
    """`delete()` of an instance from the cache."""
    model.objects.get_one(scene.key(model)).delete()


@verb
def delete_some(scene: Scene, model: Any) -> None:
    """`QuerySet.delete()`."""
    keys = [scene.key(model), scene.key(model)]
    model.objects.filter(pk__in=keys).delete()


@verb
def cascade(scene: Scene, model: Any) -> None:
    """Delete a row that a row of the model points to."""
    row = scene.row(model)
    for field in scene.rng.sample(relations := _foreign_keys(model), len(relations)):
        if target := getattr(row, field.name):
            target.delete()
            return


def _foreign_keys(model: Any) -> list[Any]:
    return [
        field
        for field in model._meta.concrete_fields
        if field.remote_field and field.related_model.__module__.startswith("tests.zoo")
    ]


@verb
def reverse_manager(scene: Scene, model: Any) -> None:
    """`create()`, `add()`, `set()`, `remove()` and `clear()` of the rows that point here by a foreign key."""
    for relation in model._meta.related_objects:
        if not relation.one_to_many or relation.hidden or relation.related_model._meta.proxy:
            continue
        other, owner = relation.related_model, scene.row(model)
        manager = getattr(owner, relation.get_accessor_name())
        fields = scene.maker.fields(other)
        fields.pop(relation.field.attname, None)
        manager.create(**fields)
        if hasattr(manager, "remove"):
            manager.add(scene.row(other), bulk=scene.rng.random() < 0.7)
            manager.set([scene.row(other)])
            manager.remove(*manager.all()[:1])
            manager.set([scene.row(other)], clear=True)
            manager.clear()
        manager.update(**scene.changes(other))


@verb
def many_to_many(scene: Scene, model: Any) -> None:
    """`add()`, `create()`, `set()`, `remove()` and `clear()` of many-to-many relations, from both of their sides."""
    relations = [(field.name, field) for field in model._meta.many_to_many]
    relations += [
        (relation.get_accessor_name(), relation.field)
        for relation in model._meta.related_objects
        if relation.many_to_many and not relation.hidden
    ]
    for name, field in relations:
        through = field.remote_field.through
        defaults = {} if through._meta.auto_created else {"through_defaults": _through_defaults(scene, through)}
        manager = getattr(scene.row(model), name)
        other = manager.model
        manager.add(scene.row(other), **defaults)
        manager.create(**scene.maker.fields(other), **defaults)
        manager.set([scene.row(other)], **defaults)
        manager.remove(*manager.all()[:1])
        manager.add(scene.row(other), **defaults)
        manager.set([scene.row(other), scene.row(other)], clear=True, **defaults)
        manager.clear()


def _through_defaults(scene: Scene, through: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in scene.maker.changes(through).items()
        if not through._meta.get_field(name).remote_field
    }


@verb
def loaddata(scene: Scene, model: Any) -> None:
    """`loaddata` of a changed row and of a new one."""
    rows = [assign(scene.row(model), scene.maker.changes(model)), scene.maker.new(model)]
    if model._meta.parents or rows[1].pk is None or any(map(is_automatic, model._meta.fields)):
        rows.pop()  # a fixture brings every column itself
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_text(serializers.serialize("json", rows))
        call_command("loaddata", str(file), verbosity=0)


@verb
def admin(scene: Scene, model: Any) -> None:
    """What the admin's forms, its deletion and its action do."""
    admin_class = ModelAdmin(model, site)
    admin_class.save_model(None, scene.maker.new(model), None, change=False)
    admin_class.save_model(None, assign(scene.row(model), scene.changes(model)), None, change=True)
    admin_class.delete_model(None, scene.row(model))
    admin_class.delete_queryset(None, admin_class.model._default_manager.filter(pk=scene.key(model)))


@verb_of_the_cache
def drop_entry(scene: Scene, model: Any) -> None:
    """The verb of operators, which writes nothing."""
    model.objects.drop_entry(scene.key(model))
