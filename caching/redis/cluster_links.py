"""An event loop's links to the servers of a Redis Cluster: the commands of one turn are grouped by server.

Where a server has no link yet, or none at the moment, nothing is sent: threads know what to do, and a link is opened
meanwhile. What a server refuses is sent again by itself: see redirections.

Client-side caching (caching.redis.client_side) needs a link to each server. What is known of entries is confirmed by
their servers, or by all where entries are many, for all requests of a turn at once; and by a question that a server
answers only while it is the master of a slot: a master that was replaced may live on. Everything is forgotten when a
link is lost, or slots change.
"""

import asyncio
import itertools
import logging
import random
import time
from binascii import crc_hqx
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hiredis import ProtocolError, PushNotification, ReplyError, pack_command

from ..conf import conf
from ..locations import Address
from .breaker import breaker
from .client_side import BEGIN, TRACKED, ClientSideCache
from .cluster_cache import ClusterCache, Confirmation
from .epochs import UnknownRun
from .failures import FAILURES
from .link import MISSING, RedisProtocol, Replied, Unsupported, call, connect
from .proofs import proofs, question
from .redirections import UNUSABLE, FollowedReplies, Lost, Replies
from .round_trips import round_trips, server_name
from .script import Command, key_of
from .slot_map import LAST_SLOT, SLOTS, SlotMap, Slots, slot_of

_BEFORE_KEY = frozenset(("GET", "MGET"))
logger = logging.getLogger(__name__)


class ClusterLink(RedisProtocol):
    """A link to one server of a cluster, which puts each reply in the place of its command."""

    # Each command of the hot lane on a cluster passes through _put() and data_received(): few calls.

    def __init__(self, address: Address, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.address = address
        self._round_trips = round_trips.of((server_name(address), "event_loop"))
        self.proof = proofs.of_server(address)
        self.breaker = breaker.of(address)
        self.flushes: Callable[[], None] = lambda: None
        """Called before what was sent in a turn leaves."""
        self.is_tracked = False
        """Whether this server tells of changes."""

    def send(self, commands: Sequence[Command], replied: Replied) -> bool:
        _put([self] * len(commands), commands, Replies(len(commands), replied))
        return True

    def _flush(self) -> None:
        self.flushes()
        super()._flush()

    def _begin_turn(self, command: Command) -> None:
        self._sent_at = self._loop.time()
        self._loop.call_soon(self._flush)
        if time.monotonic() >= self.proof.due_at:
            proving = self.proof.riding([command])
            replies = Replies(len(proving), self._take_proof)
            self._waiting.extend((replies, at, self._sent_at) for at in range(len(proving)))
            self._outgoing.extend(map(pack_command, proving))

    def data_received(self, data: bytes) -> None:
        reader, waiting, turns = self._reader, self._waiting, self._turns
        gets, last = reader.gets, turns[0][0] if turns else None
        try:
            reader.feed(data)
            while waiting:
                reply = gets()
                if reply is MISSING:
                    return
                if reply.__class__ is PushNotification:
                    self._take_change(reply)
                    continue
                replies, at, _ = waits = waiting.popleft()
                if waits is last:
                    self._end_turn()
                    last = turns[0][0] if turns else None
                if reply.__class__ is ReplyError:
                    replies.refused(self.address, at, reply)
                    continue
                replies.found[at] = reply
                replies.missing -= 1
                if not replies.missing:
                    call(replies.replied, replies.found)
        except ProtocolError as error:
            self.fail(error)

    def _give_up(self) -> None:
        self._turns.clear()
        while self._waiting:
            replies, at, _ = self._waiting.popleft()
            replies.put(at, Lost())

    def trip(self, error: Exception) -> None:
        """Open the circuit breaker of this server."""
        self.breaker.trip(error)

    def _take_proof(self, replies: list[Any] | None) -> None:
        if replies and str(replies[0]).startswith(("MOVED ", "ASK ", "TRYAGAIN ")):
            self.proof.due_at = 0.0  # neither a proof nor a refusal: the slot is another server's
        else:
            super()._take_proof(replies)


def _put(links: Sequence[ClusterLink], commands: Sequence[Command], replies: Replies, begin: int = 0) -> None:
    """Send each command from `begin` on over its link; the replies belong in the places of `replies`."""
    for at, link in enumerate(links, begin):
        command, outgoing = commands[at], link._outgoing
        if not outgoing:
            link._begin_turn(command)
        link._waiting.append((replies, at, link._sent_at))
        outgoing.append(pack_command(command))


class ClusterLinks:
    """The links of one event loop; `send`, `close` and `client_side` are those of a RedisProtocol."""

    def __init__(self, slots: SlotMap) -> None:
        self.slots = slots
        self._loop = asyncio.get_running_loop()
        self._links: dict[Address | None, ClusterLink] = {}
        self._known = ClusterCache(slots)
        self._version = slots.version  # of the slots, when _questions was made
        self._questions: dict[Address, tuple[ClusterLink, Command]] = {}
        """What each server is asked, if what is known can be confirmed; else empty."""
        self._confirmations: dict[Address | None, Confirmation] = {}
        """Of the turn that has not left yet: of each server that was asked, and of all."""
        self._opening: dict[Address, asyncio.Task[ClusterLink | None]] = {}
        self._retry_at: dict[Address, float] = {}

    async def open(self) -> None:
        """Open a link to each server; raise redis.RedisError or OSError if there is none at the end."""
        await asyncio.to_thread(self.slots.learn)
        await asyncio.gather(*map(self._begin, self.slots.nodes))
        if not self._links:
            raise ConnectionError("no server of the Redis Cluster can be reached")

    def send(self, commands: Sequence[Command], replied: Replied) -> bool:
        """Send each command to the server of its key; return False, and send nothing, if one has no link or may not be
        trusted.

        Otherwise `replied` is called once, later: with redirections.Lost in place of each reply that does not come.
        """
        links, by_slot = self._links, self.slots.by_slot
        if not commands:  # what is known has lost its server since
            return False
        begin = 0
        while begin < len(commands) and commands[begin][0] == "CONFIRM":
            if not self._questions.keys() >= {*commands[begin][1:]}:  # the slots have moved since
                return False
            begin += 1
        chosen: list[ClusterLink] = []
        for command in reversed(commands[begin:] if begin else commands):
            if command is TRACKED:  # goes where the command goes that follows it
                chosen.append(chosen[-1])
                continue
            name = command[0]  # of most it is one of these: a call less
            key = command[1] if name in _BEFORE_KEY else command[3] if name == "EVALSHA" else key_of(command)
            address = by_slot[slot_of(key)]
            link = links.get(address)
            if link is None or not link.breaker.is_closed:
                self._miss(address)
                return False
            chosen.append(link)
        chosen.reverse()
        replies = FollowedReplies(self, commands, replied)
        for at in range(begin):
            self._confirmation(*commands[at][1:]).join(replies, at)
        _put(chosen, commands, replies, begin)
        return True

    @property
    def client_side(self) -> ClientSideCache | None:
        """What is known of entries, while there is a link to each server, which tells of changes."""
        if self._version != self.slots.version:
            self._begin_to_track()
        for link, _ in self._questions.values():
            if not link.breaker.is_closed:
                return None
        return self._known if self._questions else None

    def read_untracked(self, keys: Sequence[str]) -> None:
        """Keep nothing of what is being read at these keys: nobody will tell of changes."""
        self._known.invalidate(key.encode() for key in keys)

    def _confirmation(self, address: Address | None = None) -> Confirmation:
        """Return that of this turn by a server, or by all (None)."""
        confirmation = self._confirmations.get(address)
        if confirmation is None:
            number = 1 if address else len(self._questions)
            confirmation = self._confirmations[address] = Confirmation(number, self._not_confirmed)
            if address:
                self._known.age(self._loop.time())
                link, command = self._questions[address]
                _put([link], [command], confirmation)
            else:
                for at, each in enumerate(self._questions):
                    self._confirmation(each).join(confirmation, at)
        return confirmation

    def _not_confirmed(self, address: Address, error: Exception) -> None:
        """Have the next questions be about other slots: this one has moved, or is on its way."""
        if str(error).startswith(UNUSABLE):
            self.refuse(address, error)
        self.slots.refresh()
        self._begin_to_track()

    def _ends_turn(self) -> None:
        self._confirmations = {}

    def _begin_to_track(self) -> None:
        """Forget what is known, and begin anew if all servers tell of changes."""
        self._known.invalidate(None)
        self._known.age(self._loop.time())
        self._version, self._questions, by_slot = self.slots.version, {}, self.slots.by_slot
        links = [self._links.get(address) for address in set(by_slot) if address is not None]
        if all(link is not None and link.is_tracked for link in links):
            self._known.confirm_all_from = len(links)
            tags = _tags(by_slot, len(links))
            self._questions = {each.address: (each, question(tags[each.address])) for each in links if each is not None}

    def close(self) -> None:
        """Close all links; callers who wait for replies get Lost."""
        links, self._links = self._links, {}
        for link in links.values():
            link.close()

    def send_to(self, address: Address, commands: Sequence[Command], replied: Replied) -> None:
        """Send commands to a server that another one has named, over a link that is opened if there is none.

        Its replies are None if it cannot be reached, or may not be trusted.
        """

        def send(opening: asyncio.Task[ClusterLink | None] | None = None) -> None:
            link = self._links.get(address)
            if link is None and opening is None:
                self._begin(address).add_done_callback(send)
            elif link is None or not link.breaker.is_closed:
                call(replied, None)
            else:
                link.send(commands, replied)

        send()

    def refuse(self, address: Address, error: Exception) -> None:
        """Leave a server alone for RETRY_MS that has answered that it can serve nobody now."""
        link = self._links.get(address)
        if link is not None:
            self._retry_at[address] = self._loop.time() + conf().retry_ms / 1000
            link.trip(error)
            link.fail(error)

    def _miss(self, address: Address | None) -> None:
        if address is None:
            self.slots.refresh()
        elif address not in self._links and self._loop.time() >= self._retry_at.get(address, 0.0):
            self._begin(address)

    def _begin(self, address: Address) -> asyncio.Task[ClusterLink | None]:
        if address not in self._opening:
            self._opening[address] = self._loop.create_task(self._open(address))
        return self._opening[address]

    async def _open(self, address: Address) -> ClusterLink | None:
        servers = self.slots.servers
        options = {**servers.connection_arguments, "host": address[0], "port": address[1]}
        try:
            writer = await connect(servers.connection_class.__name__, options, server=address)
        except (*FAILURES, Unsupported) as error:
            if address not in self._retry_at:
                logger.warning("The event loop has no link to %s:%s, threads ask it instead: %s", *address, error)
            self._retry_at[address] = self._loop.time() + conf().retry_ms / 1000
            self.slots.lost(address)
            if isinstance(error, UnknownRun):
                breaker.of(address).trip(error)
            return None
        finally:
            del self._opening[address]
        self._retry_at.pop(address, None)
        link = self._links[address] = ClusterLink(address, writer, options.get("socket_timeout"), self._forget)
        link.client_side, link.flushes = self._known, self._ends_turn
        link.send(BEGIN, partial(self._tracks, link))
        self._prune()
        return link

    def _tracks(self, link: ClusterLink, replies: list[Any] | None) -> None:
        if replies and not any(isinstance(reply, Exception) for reply in replies):
            link.is_tracked = True
            self._begin_to_track()

    def _forget(self, link: ClusterLink) -> None:
        if self._links.get(link.address) is link:
            del self._links[link.address]
            self._begin_to_track()
            self.slots.lost(link.address)

    def _prune(self) -> None:
        """Close idle links to servers that have no slots any more."""
        for address in self._links.keys() - self.slots.nodes:
            if self._links[address].is_idle:
                self._links.pop(address).close()


def _tags(by_slot: Slots, number: int) -> dict[Address, str]:
    """Return a hash tag for each of a number of servers, whose slot it has now; others each time."""
    tags: dict[Address, str] = {}
    texts = map(str, itertools.count(random.randrange(SLOTS)))
    while len(tags) < number:
        tag = next(texts)
        address = by_slot[crc_hqx(tag.encode(), 0) & LAST_SLOT]
        if address is not None:
            tags.setdefault(address, tag)
    return tags
