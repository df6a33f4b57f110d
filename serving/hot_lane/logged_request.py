"""What log lines tell of a request of the hot lane."""

import time
from collections.abc import Iterable
from typing import Any

from api import request_ids, tokens
from api.logs.current import BEGAN, LoggedRequest
from api.logs.redaction import words_of


class LaneRequest(LoggedRequest):
    """A request that the hot lane answers; its id is made once it is asked for, and then stays in `environ`."""

    def __init__(
        self, method: str, route: str | None, authorization: str, environ: dict[str, Any], *sent: bytes
    ) -> None:
        self.method, self.route = method, route
        self._authorization, self._environ, self._sent = authorization, environ, sent
        environ[BEGAN] = self.began_s = time.perf_counter()

    @property
    def request_id(self) -> str:  # type: ignore[override]
        own: str = self._environ.setdefault(request_ids.ENVIRON, request_ids.new())
        return own

    def caller(self) -> int | None:
        return tokens.caller(self._authorization).user_id  # the lane has verified the token

    def sent(self) -> Iterable[str]:
        return words_of(self._authorization, *(part.decode("latin-1") for part in self._sent))
