"""Requests with an Idempotency-Key: repeated, they get the first answer again; see docs/decisions/0025-idempotency.md.

    @described(answers={201: output.Post}, body=PostInput)
    @idempotent
    def post(self, request): …

The record of the key is inserted in the transaction in which the handler writes, and gets the answer in it: both are
there or neither, whenever the process is killed. An error is not kept, because its transaction is rolled back.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial, wraps
from typing import Any

import msgspec
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connections, router
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from api.json import MEDIA_TYPE
from api.models import IdempotentRequest
from api.problems import Problem, bad_input
from api.views import IDEMPOTENCY_KEY, inactive_account
from caching.api import atomic_write
from jobs.deletion import in_chunks

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
ATTEMPTS = 3
_KEY = re.compile("[!-~]{1,200}", re.ASCII)
LOCKED = {1205, 1213, 3572}  # MySQL's errors for a row that another transaction has locked

Handler = Callable[..., HttpResponse]


class _Overtaken(Exception):
    """Another request with the same key has committed."""


def idempotent(handler: Handler) -> Handler:
    """Let a handler of a BatchedView take an Idempotency-Key; without one, nothing is different.

    The handler writes within the transaction of the key: it must not go on after a database error that it has caught
    outside of a savepoint, and what it does besides writing to the database may happen twice.
    """

    @wraps(handler)
    def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if IDEMPOTENCY_KEY not in request._request.META:
            return handler(view, request, *args, **kwargs)
        key = IdempotentRequest(
            caller_id=view.caller_id, key_digest=_key_digest(request), request_digest=_request_digest(request)
        )
        return _answer(key, partial(handler, view, request, *args, **kwargs))

    handle.is_idempotent = True  # type: ignore[attr-defined]  # api.schema documents the header
    return handle


def sweep_expired() -> Iterator[int]:
    """Delete the answers that are kept no longer, in chunks. Registered with jobs.deletion."""
    return in_chunks(IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEPT))


def delete_answers_to(caller_id: int) -> Iterator[int]:
    """Delete the answers to a user, in chunks. Registered with users.deletion_hooks."""
    return in_chunks(IdempotentRequest.objects.filter(caller_id=caller_id))


def _key_digest(request: Request) -> str:
    key = request._request.META[IDEMPOTENCY_KEY]
    if not _KEY.fullmatch(key):
        raise bad_input(HEADER, f"{HEADER} is 1 to 200 visible ASCII characters.", "bad_idempotency_key")
    return hashlib.sha256(key.encode()).hexdigest()


def _request_digest(request: Request) -> str:
    """Return what tells requests apart: the method, the address and the body, however its JSON is written."""
    body = msgspec.json.encode(request.data, order="deterministic")
    target = f"{request.method} {request._request.get_full_path()}\n".encode()
    return hashlib.sha256(target + body).hexdigest()


def _answer(key: IdempotentRequest, handle: Callable[[], HttpResponse]) -> HttpResponse:
    for attempt in range(1, ATTEMPTS + 1):
        found = _recorded(key).first()
        is_kept = found is not None and timezone.now() - found.created_at < KEPT
        if found is not None and is_kept:
            return _first_answer(found, key)
        try:
            with atomic_write(router.db_for_write(IdempotentRequest)):
                _begin(key, replaced=found)
                response = handle()
                IdempotentRequest.objects.filter(pk=key.pk).update(status=response.status_code, body=response.content)
                return response
        except _Overtaken:
            continue
        except IntegrityError:  # a row that the handler refers to was deleted meanwhile: it sees that the next time
            if not get_user_model().objects.filter(pk=key.caller_id).exists():
                raise inactive_account() from None
            if attempt == ATTEMPTS:
                raise
    raise _in_progress()


def _recorded(key: IdempotentRequest) -> Any:
    records = IdempotentRequest.objects.using(router.db_for_write(IdempotentRequest))
    return records.filter(caller_id=key.caller_id, key_digest=key.key_digest)


def _begin(key: IdempotentRequest, *, replaced: IdempotentRequest | None) -> None:
    """Insert the record of a key, in place of one that is kept no longer."""
    using = router.db_for_write(IdempotentRequest)
    with _unless_locked():
        # A request in flight has inserted a row that nobody sees yet, and would be waited for. In SQLite every writer
        # waits for the one at work anyway.
        if connections[using].features.has_select_for_update_nowait:
            _recorded(key).select_for_update(nowait=True).first()
        if replaced is not None:
            IdempotentRequest.objects.filter(pk=replaced.pk).delete()
        key.pk = None
        try:
            key.save(force_insert=True)
        except IntegrityError:
            raise _Overtaken from None


@contextmanager
def _unless_locked() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if error.args and error.args[0] in LOCKED:
            raise _in_progress() from None
        raise


def _first_answer(found: IdempotentRequest, key: IdempotentRequest) -> HttpResponse:
    if found.request_digest != key.request_digest:
        raise Problem(422, "idempotency_mismatch", f"This {HEADER} was used for another request; take a new one.")
    return HttpResponse(bytes(found.body), status=found.status, content_type=MEDIA_TYPE)


def _in_progress() -> Problem:
    detail = f"A request with this {HEADER} is being answered; repeat yours in a moment."
    return Problem(409, "in_progress", detail, retry_after_s=1)
