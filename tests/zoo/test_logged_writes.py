"""What another program writes, in every way, to every model: once the log has told of it, the cache answers as the
database does.

The other program is Django without the cache, which neither holds nor lifts anything.
"""

import random

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from caching.extend import apply_logged, forget_models
from tests.zoo.contract import MODELS, REFUSALS, verbs_for
from tests.zoo.questions import Seen, columns_of, differences, fill, relatives
from tests.zoo.values import Maker
from tests.zoo.verbs import VERBS, Scene

pytestmark = pytest.mark.skipif(connection.vendor != "mysql", reason="only MariaDB's log is followed")
WITHOUT_CACHE = override_settings(CACHING={**getattr(settings, "CACHING", {}), "ENABLED": False})


class Log:
    """The log from now on."""

    def __init__(self):
        from binlog.stream import Stream
        from binlog.tables import tables_of

        self.stream = Stream("default", self._end(), tables_of("default"))

    def read(self):
        """Return the entries up to the end of the log."""
        found, end = [], self._end()
        while not any(entry.gtid == end for entry in found):
            found += self.stream.take(5)
        return found

    def apply(self):
        for entry in self.read():
            if entry.rows:
                apply_logged("default", [entry.rows])
            if entry.forget:
                forget_models("default", entry.forget)

    def _end(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@gtid_binlog_pos")
            return cursor.fetchone()[0]


@pytest.fixture
def log():
    pytest.importorskip("pymysqlreplication")
    log = Log()
    yield log
    log.stream.close()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_rows_of_the_log_are_as_django_reads_them(model, log):
    maker = Maker()
    created = [maker.create(model) for _ in range(12)]
    names = [field.attname for field in model._meta.local_concrete_fields]
    entries = log.read()
    assert [entry.reason for entry in entries if entry.forget] == []
    logged = {
        change.after.pk: change.after
        for entry in entries
        if entry.rows
        for change in entry.rows.changes
        if change.model is model._meta.concrete_model and change.after is not None
    }
    stored = {row.pk: row for row in model._base_manager.all()}
    assert logged.keys() == stored.keys()
    assert len(stored) >= len(created)
    for pk, row in stored.items():
        assert [getattr(logged[pk], name) for name in names] == [getattr(row, name) for name in names]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_way_to_write(model, log):
    scene, seen = Scene(Maker(), random.Random(1)), Seen(relatives(model), most=4)
    found, stale = [], 0
    for name, verb in verbs_for(model):
        scene.maker.create(model)
        fill(seen)
        try:
            with WITHOUT_CACHE:
                verb(scene, model)
        except REFUSALS:
            pass
        stale += bool(differences(seen, times=1))
        fill(seen)
        log.apply()
        found += [f"after {name}: {each}" for each in differences(seen)]
    assert found == []
    is_whole = len(verbs_for(model)) == len(VERBS)  # a third of the verbs may leave nothing to mend
    assert stale or not columns_of(model) or not is_whole
