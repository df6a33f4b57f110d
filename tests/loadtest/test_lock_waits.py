"""Lock waits are counted, and observed in InnoDB's monitor."""

from functools import partial

import pytest
from django.conf import settings
from django.db import transaction

from loadtest.bench import lock_waits
from tests.caching.own_redis import until
from tests.caching.threads import Task
from tests.shelf.models import Author

MONITOR = """
---TRANSACTION 3934, ACTIVE 0 sec updating or deleting
LOCK WAIT 6 lock struct(s), heap size 1128, 40 row lock(s), undo log entries 20
DELETE FROM counters_delta WHERE id IN (1, 2)
------- TRX HAS BEEN WAITING 2184 us FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 32 page no 7 n bits 136 index PRIMARY of table `hotpath`.`counters_delta` trx id 3934 lock_mode X
Record lock, heap no 66 PHYSICAL RECORD: n_fields 8; compact format; info bits 0
---TRANSACTION 3961, ACTIVE 0 sec
RECORD LOCKS space id 9 page no 4 n bits 80 index PRIMARY of table `hotpath`.`users_user` trx id 3961 lock mode S
"""


def test_only_waiting_transactions_are_found():
    ((_, table, transaction_id),) = lock_waits.parse_waits(MONITOR)
    assert (table, transaction_id) == ("counters_delta", "3934")


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_wait_is_counted_and_observed():
    from MySQLdb import connect

    database = settings.DATABASES["default"]
    connection = connect(host=database["HOST"], port=int(database["PORT"]), user=database["USER"], autocommit=True)
    ann = Author.objects.create_one(name="Ann", email="ann@example.com")
    with lock_waits.count_lock_waits(connection) as waits:
        with transaction.atomic():
            Author.objects.update_one(ann.pk, name="Anna")
            other = Task(partial(Author.objects.update_one, ann.pk, name="Anne"))
            until(lambda: waits.observed)
        other.result()
    assert (waits.total, waits.observed) == (1, {"shelf_author": 1})
    connection.close()
