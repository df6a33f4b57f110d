"""Savepoints as applications make them by hand, by the name that Django has for it."""

from django.db import transaction

# Django 6.1 has renamed savepoint().
savepoint_by_hand = getattr(transaction, "savepoint_create", None) or transaction.savepoint
