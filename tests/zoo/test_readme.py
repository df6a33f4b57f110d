"""The examples of some chapters of caching/README.md run."""

import asyncio
import re
import textwrap
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection, connections, models
from django.test.utils import isolate_apps
from django.utils import timezone

import caching
from caching import api
from tests.zoo.models import Cook, Recipe, newest_recipes

pytestmark = pytest.mark.any_database

README = (Path(caching.__file__).parent / "README.md").read_text()


@pytest.fixture
def names(db):
    """What the examples take for given, by its name."""
    cook = Cook.objects.create_one(name="Ann")
    Recipe.objects.create_one(pk=1, title="Pie", cook=cook)
    User.objects.bulk_create([User(pk=pk, username=str(pk)) for pk in (1, 2)])
    public = {name: getattr(api, name) for name in api.__all__}
    yield {**public, "Product": Recipe, "User": User, "newest_posts": newest_recipes}
    asyncio.run(sync_to_async(connections.close_all)())


def example(chapter):
    text = re.split(r"\n##+ ", README.split(f"# {chapter}\n")[1])[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]


def test_coroutines(names):
    code = f"async def example():\n{textwrap.indent(example('In coroutines'), '    ')}\n    return product, people"
    exec(code, names)  # noqa: S102
    for _ in range(2):
        product, people = asyncio.run(names["example"]())
        assert (product.title, len(people.instances().results)) == ("Pie", 2)


def test_invalidation(names):
    Recipe.objects.get_one(1)
    exec(example("Invalidation by hand"), names)  # noqa: S102
    assert Recipe.objects.invalidate() == 0


@pytest.mark.django_db(transaction=True)
@isolate_apps("tests.zoo")
def test_soft_deletion():
    public = {name: getattr(api, name) for name in api.__all__}
    names = {**public, "models": models, "__name__": "tests.zoo.models"}
    exec(example("Soft deletion"), names)  # noqa: S102
    letter = names["Letter"]
    with connection.schema_editor() as editor:
        editor.create_model(letter)
    try:
        row = letter.all_objects.create(subject="Hello")
        for _ in range(2):
            assert letter.objects.get_one(row.pk) == letter.all_objects.get_one(row.pk) == row
        row.deleted_at = timezone.now()
        row.save()
        for _ in range(2):
            assert letter.all_objects.get_one(row.pk).deleted_at == row.deleted_at
            with pytest.raises(letter.DoesNotExist):
                letter.objects.get_one(row.pk)
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(letter)
