"""A Redis Cluster for tests and benchmarks: masters with replicas; a master may die, be demoted, or lose slots."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from devtools.redis_node import RedisNode, url_of, wait_for

SLOTS = 16_384
NODE_TIMEOUT_MS = 1_000  # after which the others take a silent node for dead
PATIENT_MS = 10_000  # where nobody could take its place: a busy machine makes nodes silent for a second
MIGRATED_AT_ONCE = 100


class RedisCluster:
    """Nodes on free ports of 127.0.0.1: first the masters, then the replicas of each."""

    def __init__(
        self, binary: str, folder: Path, *, masters: int = 3, replicas: int = 1, password: str = "",
        options: Sequence[str] = (), timeout_ms: int = NODE_TIMEOUT_MS, certificate: Path | None = None,
    ) -> None:  # fmt: skip
        """`replicas`: of each master; `options`: of every node; `certificate`: as of RedisNode."""
        self._certificate = certificate
        # A validity factor of 0: a replica is promoted however old its data is. Without full coverage the others go on
        # to answer when a master is dead.
        own = [
            "--cluster-enabled", "yes", "--cluster-node-timeout", str(timeout_ms),
            "--cluster-replica-validity-factor", "0", "--cluster-require-full-coverage", "no",
            *(["--tls-cluster", "yes"] if certificate else []),
        ]  # fmt: skip
        names = map(str, range(masters * (1 + replicas)))
        self.nodes = [RedisNode(binary, folder / name, [*own, *options], password, certificate) for name in names]
        self._masters = masters

    @property
    def url(self) -> str:
        """The REDIS_URL that names every node."""
        return url_of("cluster", self.nodes, self.nodes[0].password, certificate=self._certificate)

    def start(self) -> None:
        """Start all nodes, divide the slots evenly, and return when every node knows the whole cluster."""
        for node in self.nodes:
            node.start()
        bounds = [SLOTS * number // self._masters for number in range(self._masters + 1)]
        for epoch, (node, (first, end)) in enumerate(zip(self.nodes, itertools.pairwise(bounds), strict=False), 1):
            _command(node, "CLUSTER", "SET-CONFIG-EPOCH", epoch)
            _command(node, "CLUSTER", "ADDSLOTS", *range(first, end))
        wait_for(self._meet, "the nodes of the cluster did not meet")
        for number, replica in enumerate(self.nodes[self._masters :]):
            _command(replica, "CLUSTER", "REPLICATE", _id_of(self.nodes[number % self._masters]))
        self.wait_until_whole()

    def end(self) -> None:
        """Kill every node that runs."""
        for node in self.nodes:
            node.end()

    def masters(self) -> list[RedisNode]:
        """Return the living nodes that serve slots, as they themselves say, in the order of their slots."""
        first_slots = {node.port: slots[0][0] for node in self._alive() if (slots := _own_slots(node))}
        return sorted((n for n in self.nodes if n.port in first_slots), key=lambda node: first_slots[node.port])

    def master_of(self, key: str) -> RedisNode:
        """Return the living node that serves the slot of a key."""
        slot = key_slot(key.encode())
        return next(n for n in self._alive() if any(first <= slot <= last for first, last in _own_slots(n)))

    def slots_of(self, master: RedisNode) -> list[int]:
        """Return the slots that a living node serves."""
        return [slot for first, last in _own_slots(master) for slot in range(first, last + 1)]

    def replicas_of(self, master: RedisNode) -> list[RedisNode]:
        """Return the living replicas of a node that may be dead."""
        return [node for node in self._alive() if node is not master and _master_port(node) == master.port]

    def cut_off_replicas(self, master: RedisNode) -> list[RedisNode]:
        """Let the replicas of a master receive no further write; return them. One of them follows if it dies."""
        replicas = self.replicas_of(master)
        for replica in replicas:
            replica.cut_off_from_master()
        return replicas

    def fail_over(self, master: RedisNode) -> RedisNode:
        """Have a replica take the place of a living master, which becomes its replica; return the new master."""
        replica = self.replicas_of(master)[0]
        _command(replica, "CLUSTER", "FAILOVER")
        wait_for(lambda: not _own_slots(master) and _own_slots(replica), "the replica did not take over")
        return replica

    def wait_until_failed_over(self, lost: RedisNode) -> None:
        """Return when the living nodes agree that others than `lost` serve all slots."""
        wait_for(lambda: self._agree_without(lost), f"nobody took the place of the node on port {lost.port}")

    def wait_until_whole(self) -> None:
        """Return when all nodes run, agree on who serves what, and each replica has its master's data."""
        wait_for(self._is_whole, "the cluster did not become whole")

    def restart(self, node: RedisNode) -> None:
        """Start a killed node, which joins as a replica if another has taken its place; end every cut."""
        node.start()
        for each in self.nodes:
            each.join_master()
        self.wait_until_whole()

    def move_slots(self, slots: Iterable[int], source: RedisNode, target: RedisNode) -> None:
        """Move slots with their keys, one after the other, as `redis-cli --cluster reshard` does."""
        source_id, target_id = _id_of(source), _id_of(target)
        with source.client() as giving, target.client() as taking:
            for slot in slots:
                taking.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
                giving.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
                while keys := giving.execute_command("CLUSTER", "GETKEYSINSLOT", slot, MIGRATED_AT_ONCE):
                    secret = ["AUTH", target.password] if target.password else []
                    giving.execute_command("MIGRATE", *target.address, "", 0, 5_000, *secret, "KEYS", *keys)
                for client in (taking, giving):
                    client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)

    def _alive(self) -> Iterator[RedisNode]:
        return (node for node in self.nodes if node.is_running and node.answers())

    def _meet(self) -> bool:
        """Have nodes meet that do not know each other, and return whether all do: one forgets a handshake that takes
        longer than its timeout."""
        known = {node.port: _view(node) for node in self.nodes}
        strangers = [(a, b) for a, b in itertools.permutations(self.nodes, 2) if b.port not in known[a.port]]
        for one, other in strangers:
            _command(one, "CLUSTER", "MEET", *other.address)
        return not strangers

    def _agree_without(self, lost: RedisNode) -> bool:
        # A frozen node would keep this waiting.
        alive = [node for node in self.nodes if node is not lost and node.is_running and node.answers()]
        served = [{port: each["slots"] for port, each in _view(node).items() if each["slots"]} for node in alive]
        is_whole = all(b"cluster_state:ok" in _command(node, "CLUSTER", "INFO") for node in alive)
        return is_whole and lost.port not in served[0] and all(each == served[0] for each in served)

    def _is_whole(self) -> bool:
        nodes = self.nodes
        if not all(b"cluster_state:ok" in _command(node, "CLUSTER", "INFO") for node in nodes):
            return False
        views = [{port: (each["role"], each["slots"]) for port, each in _view(node).items()} for node in nodes]
        following = [node for node in nodes if views[0][node.port][0] == "slave"]
        return all(view == views[0] for view in views) and all(node.follows() for node in following)


def _command(node: RedisNode, *command: Any) -> Any:
    with node.client() as client:
        return client.execute_command(*command)


def _view(node: RedisNode) -> dict[int, dict[str, Any]]:
    """Return what a node thinks of every node, itself among them, by port: role, slots, id, and the master's id."""
    found: dict[int, dict[str, Any]] = {}
    for line in _node_lines(node).splitlines():
        node_id, address, flags, master, _, _, _, _, *slots = line.split()
        if "handshake" in flags:
            continue
        port = int(address.partition("@")[0].rpartition(":")[2])
        role = "slave" if "slave" in flags else "master"
        own = [each for each in slots if not each.startswith("[")]
        found[port] = {"id": node_id, "is_self": "myself" in flags, "role": role, "slots": own, "master": master}
    return found


def _node_lines(node: RedisNode) -> str:
    """Return a node's CLUSTER NODES as text; nothing where it does not answer."""
    with contextlib.suppress(redis.RedisError):
        raw: Any = _raw(node, "CLUSTER", "NODES")
        return raw.decode()
    return ""


def _raw(node: RedisNode, *command: str) -> Any:
    """Return a reply as redis-py received it, before it makes a dict of it."""
    with node.client() as client:
        client.response_callbacks.clear()
        return client.execute_command(*command)


def _own(node: RedisNode) -> dict[str, Any]:
    return next((each for each in _view(node).values() if each["is_self"]), {"id": "", "slots": [], "master": "-"})


def _id_of(node: RedisNode) -> str:
    return str(_own(node)["id"])


def _own_slots(node: RedisNode) -> list[tuple[int, int]]:
    """Return the ranges of slots that a node serves, by its own account; none for a replica."""
    bounds = [each.partition("-") for each in _own(node)["slots"]]
    return [(int(first), int(last or first)) for first, _, last in bounds]


def _master_port(node: RedisNode) -> int | None:
    view = _view(node)
    master = next((each["master"] for each in view.values() if each["is_self"]), "-")
    return next((port for port, each in view.items() if each["id"] == master), None)
