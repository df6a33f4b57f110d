"""Signals of writes of many rows at once, for which Django has none.

inserting, inserted   `instances`; only `inserted` ones are sure to have their pk
updating, updated     `pks` and `columns`, the attribute names that are written; the rows are locked
deleting              `pks` and `owner`, by set_writes.delete_rows(), which sends no pre_delete; the rows are locked

All are sent with the concrete model as sender, and with the database as `using`, inside the transaction.
"""

from django.dispatch import Signal

inserting, inserted = Signal(), Signal()
updating, updated = Signal(), Signal()
deleting = Signal()
