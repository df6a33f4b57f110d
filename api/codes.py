"""The codes of errors: a closed list. No problem document has another code, or a code with another status.

A new code is added here first: api.problems.Problem refuses codes that are not listed, and the OpenAPI schema is made
from this list.
"""

from collections.abc import Collection
from typing import NamedTuple


class Code(NamedTuple):
    """The statuses that a code is answered with, and what it means, as a sentence for who writes a client."""

    statuses: tuple[int, ...]
    meaning: str


CODES = {
    "bad_input": Code((400,), "A field of the request is missing or wrong; `errors` says which, and why."),
    "bad_cursor": Code((400,), "The cursor was changed, or another list gave it."),
    "bad_id": Code((400,), "An id is not a whole number from 1 to 9223372036854775807."),
    "bad_idempotency_key": Code((400,), "The Idempotency-Key is not 1 to 200 visible ASCII characters."),
    "bad_limit": Code((400,), "The limit is not a whole number from 1 to 100."),
    "bad_placement": Code((400,), "The placement of a popup is missing or is no word."),
    "bad_platform": Code((400,), "The platform is no word."),
    "bad_query": Code((400,), "The words to search for are missing or too long."),
    "bad_request": Code((400,), "The request is not HTTP, or ends early."),
    "bad_target": Code((400,), "A target is not a kind and an id."),
    "bad_token": Code((400,), "The token from a mail is not valid, has expired or was used."),
    "bad_username": Code((400,), "The text cannot be a username."),
    "ids_or_username": Code((400,), "The request has both ids and a username, or neither."),
    "no_ids": Code((400,), "The list of ids is empty."),
    "no_targets": Code((400,), "The list of targets is empty."),
    "parse_error": Code((400,), "The body is not valid JSON."),
    "self": Code((400,), "The request is about somebody else, and names the caller, or what is the caller's own."),
    "too_many_ids": Code((400,), "The list of ids is too long."),
    "too_many_targets": Code((400,), "The list of targets is too long."),
    "unknown_field": Code((400,), "The parameter `fields` names a field that does not exist."),
    "unknown_kind": Code((400,), "Nothing is counted for this kind of target."),
    "username_taken": Code((400,), "Another account has this username, in any case."),
    "weak_password": Code((400,), "The password is too short, too common, or too similar to the names."),
    "bad_credentials": Code((401,), "There is no active account with this username and password."),
    "not_authenticated": Code((401,), "The request has no access token."),
    "token_not_valid": Code((401,), "The token is forged or has expired, or its login has ended."),
    "user_inactive": Code((401,), "The caller's account is deactivated or deleted."),
    "blocked": Code((403,), "One of the two users blocks the other."),
    "not_the_author": Code((403,), "Only the author may do this."),
    "permission_denied": Code((403,), "The caller may not do this."),
    "private_field": Code((403,), "A private field of somebody else was asked for."),
    "wrong_password": Code((403,), "The password is not the account's."),
    "not_found": Code((404,), "There is nothing at this address, or no such thing."),
    "method_not_allowed": Code((405,), "The address does not have this method; `Allow` lists those it has."),
    "not_acceptable": Code((406,), "The answer is not to be had in any form that `Accept` names."),
    "request_timeout": Code((408,), "The request did not arrive in time."),
    "in_progress": Code((409,), "A request with this Idempotency-Key is being answered; repeat it later."),
    "too_fast": Code((409,), "Another write of the same user won the race."),
    "length_required": Code((411,), "The body was sent in chunks."),
    "too_large": Code((413,), "The body is too large."),
    "target_too_long": Code((414,), "The target of the request is too long."),
    "unsupported_media_type": Code((415,), "The body is not JSON in UTF-8."),
    "expectation_failed": Code((417,), "The request expects something other than 100-continue."),
    "idempotency_mismatch": Code((422,), "The Idempotency-Key was used for another request."),
    "throttled": Code((429,), "There were too many requests; `Retry-After` says how many seconds to wait."),
    "head_too_large": Code((431,), "The request has too many headers, or too long ones."),
    "internal_error": Code((500,), "Something went wrong on the server, which has logged it."),
    "database_unavailable": Code((503,), "The database is down and needed; `Retry-After` says when to try again."),
    "events_unavailable": Code((503,), "The event cannot be kept now; `Retry-After` says when to try again."),
    "too_busy": Code((503,), "Too many requests are being received; `Retry-After` says when to try again."),
}


def require(status: int, code: str) -> None:
    """Raise ValueError for a code that is not listed, or not with this status."""
    if not is_listed(status, code):
        raise ValueError(f"The code {code!r} with status {status} is not in api/codes.py.")


def is_listed(status: int, code: str) -> bool:
    """Return whether a problem document may have this code and this status."""
    return code in CODES and status in CODES[code].statuses


def of_status(status: int) -> Collection[str]:
    """Return the codes that a status is answered with, the most general one first."""
    return [name for name, code in CODES.items() if status in code.statuses]
