"""The throttle of wrong passwords by account, for every door that asks for a password.

It stands behind the throttle by client address, which many addresses together pass. A password is charged to the
account before it is checked, and given back if it is right, so that parallel guesses do not pass either. At the rate
of the setting THROTTLES an account that is out of passwords gets one more within a minute.

A stranger can use these up for ever. So an address from which the right password was given has passwords of its own
for KNOWN_S, and its user does not notice strangers (docs/decisions/0014-login-throttle.md).
"""

import logging
import math
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from api import throttles
from api.addresses import parse_address
from api.problems import Problem
from caching.api import Batch, Counts
from caching.extend import Script
from users.models import User

KNOWN_S = 30 * 24 * 3600
SCOPE = "account"
log = logging.getLogger(__name__)
failed: Counts[str] = Counts()
"""The log-ins that failed, "refused" or "throttled", of this process."""

# Both scripts have two keys: the debt of all strange addresses, and the debt of this address if it is known. As in
# api/throttles.py, a debt is the time at which it is paid.
CHARGE = Script("""
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local interval_us, burst, known_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local own = redis.call('GET', KEYS[2])
local paid_at = math.max(tonumber(own or redis.call('GET', KEYS[1]) or 0), now_us) + interval_us
local wait_us = paid_at - interval_us * burst - now_us
if wait_us > 0 then return wait_us end
local life_ms = own and known_ms or math.ceil((paid_at - now_us) / 1000)
redis.call('SET', own and KEYS[2] or KEYS[1], string.format('%.0f', paid_at), 'PX', life_ms)
return 0
""")
GIVE_BACK = Script("""
local interval_us, known_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local own = redis.call('GET', KEYS[2])
local strange = redis.call('GET', KEYS[1])
if strange and not own then
    redis.call('SET', KEYS[1], string.format('%.0f', tonumber(strange) - interval_us), 'KEEPTTL')
end
redis.call('SET', KEYS[2], string.format('%.0f', tonumber(own or interval_us) - interval_us), 'PX', known_ms)
return 1
""")


@contextmanager
def attempt(request: HttpRequest, username: str) -> Iterator[None]:
    """Count a log-in as wrong, and log it, if the block raises Problem or ValidationError; as right if it ends.

    Raises the 429 before the block if the account is out of passwords for this address.
    """
    rate = throttles.rates().get(SCOPE)
    keys = _keys(request, username)
    if rate is not None:
        _charge(request, username, keys, rate)
    try:
        yield
    except (Problem, ValidationError):
        failed.add("refused")
        _log(request, username, "was refused")
        raise
    if rate is not None:
        _run(GIVE_BACK, keys, [rate.interval_us, KNOWN_S * 1000])


def _charge(request: HttpRequest, username: str, keys: list[str], rate: throttles.Rate) -> None:
    wait_us = _run(CHARGE, keys, [rate.interval_us, rate.burst, KNOWN_S * 1000])
    if wait_us is None:
        log.warning("Wrong passwords are not counted: Redis does not answer.")
    elif wait_us:
        failed.add("throttled")
        _log(request, username, "was throttled")
        wait_s = math.ceil(wait_us / 1_000_000)
        detail = f"Too many attempts to log in to this account; try again in {wait_s} s."
        raise throttles.Throttled(detail, wait_s)


def _keys(request: HttpRequest, username: str) -> list[str]:
    """Return keys under one hash tag, of bounded length whatever is sent as a username."""
    tag = account_key(username)
    return [tag, f"{tag}:{throttles.client_address(request)}"]


def account_key(username: str) -> str:
    """Return the key of an account, without the prefix of the project; those of known addresses begin with it."""
    account = blake2b(_folded(username).encode(), digest_size=12).hexdigest()
    return f"throttle:{{{SCOPE}:{account}}}"


def _folded(username: str) -> str:
    """Return the same text for all spellings that any database's collation might take for one username."""
    letters = unicodedata.normalize("NFKD", username.strip()).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _run(script: Script, keys: list[str], args: list[int]) -> int | None:
    batch = Batch()
    reply = batch.script(script, keys, args)
    batch.run()
    return reply.result


def _log(request: HttpRequest, username: str, outcome: str) -> None:
    """Log a line that names the account by its id, as people also type their passwords where the username belongs."""
    user = User.objects.named(username)
    account = "an unknown account" if user is None else f"account {user.pk}"
    address = parse_address(request.META.get("REMOTE_ADDR", "")) or "an unknown address"
    log.warning("A log-in to %s from %s at %s %s.", account, address, request.path, outcome)
