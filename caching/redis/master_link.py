"""An event loop's link to the master that Sentinels name."""

import asyncio
from collections.abc import Callable
from typing import Any

from .failures import FAILURES
from .link import RedisProtocol, connect
from .sentinel import address_book

UNUSABLE = ("READONLY ", "LOADING ", "MASTERDOWN ")


class MasterLink(RedisProtocol):
    """A link that breaks where the server answers that it is no master any more: the next one asks the Sentinels."""

    def _reply_error(self, text: str) -> Exception:
        error = super()._reply_error(text)
        if text.startswith(UNUSABLE):
            self._loop.call_soon(self._refuse, error)
        return error

    def _refuse(self, error: Exception) -> None:
        self.trip(error)
        self.fail(error)


async def open_master_link(lost: Callable[[Any], None]) -> MasterLink:
    """Open a link to the master; raise redis.RedisError or OSError if none is found, or a server that is no master."""
    book = address_book()
    address = await asyncio.to_thread(book.master)

    def forget(link: Any) -> None:
        book.lost(address)
        lost(link)

    options = {**book.servers.connection_arguments, "host": address[0], "port": address[1]}
    try:
        writer = await connect(book.servers.connection_class.__name__, options)
    except FAILURES:
        book.lost(address)
        raise
    return MasterLink(writer, options.get("socket_timeout"), forget)
