"""A Redis master with replicas and Sentinels for tests and benchmarks; the master may die, hang or be demoted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from devtools.redis_node import RedisNode, url_of, wait_for

SERVICE = "hotpath"
# After so long a Sentinel takes a silent server for dead. It tries to connect to a new master once a second, as to the
# one before: with 1 s it would take a living one for dead at times, just promoted, and have another take its place.
DOWN_AFTER_MS = 2_000
FAILOVER_TIMEOUT_MS = 2_000  # a Sentinel begins no second failover within twice this time


class Sentinel(RedisNode):
    """A Sentinel, which keeps what it knows in a file of its folder."""

    def __init__(
        self, binary: str, folder: Path, master: RedisNode, quorum: int, password: str, certificate: Path | None
    ) -> None:
        """`password`: what clients of this Sentinel need; the servers' own is the master's."""
        super().__init__(binary, folder, certificate=certificate)
        self.password = password
        lines = [
            *(f"{name} {value}" for name, value in self.listening().items()), "bind 127.0.0.1", f'dir "{folder}"',
            f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} {quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}",
            *([f"sentinel auth-pass {SERVICE} {master.password}"] if master.password else []),
            *([f"requirepass {password}"] if password else []),
        ]  # fmt: skip
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")
        self._command = [binary, str(folder / "sentinel.conf"), "--sentinel"]

    def master_port(self) -> int:
        """Return the port of the server that this Sentinel takes for the master."""
        with self.client() as client:
            return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])

    def finds_well(self, master: int, replicas: set[int], sentinels: int) -> bool:
        """Return whether this Sentinel has no failover under way, and finds so many others and all servers at work.

        `master`, `replicas`: their ports. Ask this rather than `master_port()` before a master may be killed: a
        Sentinel that leads a failover names the new master before it is done. If that one dies then, and the old
        master takes its place, the Sentinel waits for the dead one for ever, whatever its failover-timeout.
        """
        with self.client() as client:
            state, found = client.sentinel_master(SERVICE), client.sentinel_slaves(SERVICE)
        linked = {each["port"] for each in found if _follows(each, master)}
        known = (state["port"], state["flags"], state["num-other-sentinels"])
        return linked == replicas and known == (master, "master", sentinels)


def _follows(replica: dict[str, Any], master: int) -> bool:
    """Return whether a replica has the data of the master on that port, as a Sentinel sees it."""
    state = (replica["flags"], replica["master-link-status"], int(replica["master-port"]))
    return state == ("slave", "ok", master)


class RedisSentinel:
    """Servers on free ports of 127.0.0.1, the first of which starts as the master, and Sentinels that watch them."""

    def __init__(
        self, binary: str, folder: Path, *, replicas: int = 2, sentinels: int = 3, password: str = "",
        sentinel_password: str = "", options: Sequence[str] = (), certificate: Path | None = None,
    ) -> None:  # fmt: skip
        """`options`: of every server; `certificate`: as of RedisNode."""
        self._certificate = certificate
        folders = (folder / f"server-{number}" for number in range(1 + replicas))
        self.nodes = [RedisNode(binary, each, options, password, certificate) for each in folders]
        master, quorum = self.nodes[0], sentinels // 2 + 1
        folders = (folder / f"sentinel-{number}" for number in range(sentinels))
        self.sentinels = [Sentinel(binary, each, master, quorum, sentinel_password, certificate) for each in folders]

    @property
    def url(self) -> str:
        """The REDIS_URL that names every Sentinel."""
        return url_of("sentinel", self.sentinels, self.nodes[0].password, f"/{SERVICE}", self._certificate)

    def start(self) -> None:
        """Start all, and return when each Sentinel knows every server and every other Sentinel."""
        first, *others = self.nodes
        first.start()
        for node in others:
            node.start("--replicaof", "127.0.0.1", str(first.port))
        for sentinel in self.sentinels:
            sentinel.start()
        self.wait_until_whole()

    def end(self) -> None:
        """Kill every process that runs."""
        for node in (*self.sentinels, *self.nodes):
            node.end()

    def masters(self) -> list[RedisNode]:
        """Return the server that the Sentinels take for the master."""
        port = next(sentinel for sentinel in self.sentinels if sentinel.is_running).master_port()
        return [node for node in self.nodes if node.port == port]

    def master_of(self, key: str) -> RedisNode:
        """Return the master, which has every key."""
        return self.masters()[0]

    def replicas_of(self, master: RedisNode) -> list[RedisNode]:
        """Return the living servers other than the master."""
        return [node for node in self.nodes if node is not master and node.is_running]

    def cut_off_replicas(self, master: RedisNode) -> list[RedisNode]:
        """Let the replicas of a master receive no further write; return them. One of them follows if it dies."""
        replicas = self.replicas_of(master)
        for replica in replicas:
            replica.cut_off_from_master()
        return replicas

    def fail_over(self, master: RedisNode) -> RedisNode:
        """Have a replica take the place of a living master, which becomes its replica; return the new master."""
        with self.sentinels[0].client() as client:
            client.execute_command("SENTINEL", "FAILOVER", SERVICE)
        self.wait_until_failed_over(master)
        (promoted,) = self.masters()
        wait_for(lambda: master.follows(promoted.port), "the old master did not become a replica")
        return promoted

    def wait_until_failed_over(self, lost: RedisNode) -> None:
        """Return when the living Sentinels agree on a master other than `lost`, which takes writes."""
        wait_for(lambda: self._agree_without(lost), f"nobody took the place of the server on port {lost.port}")

    def wait_until_whole(self) -> None:
        """Return when all run, each replica has the master's data, and every Sentinel finds it so, at rest."""
        wait_for(self._is_whole, "the Sentinels did not find all servers")

    def restart(self, node: RedisNode) -> None:
        """Start a killed server as a replica of the master of now; end every cut."""
        (master,) = self.masters()
        node.start(*([] if node is master else ["--replicaof", "127.0.0.1", str(master.port)]))
        for each in self.nodes:
            each.join_master()
        self.wait_until_whole()

    def _agree_without(self, lost: RedisNode) -> bool:
        ports = {sentinel.master_port() for sentinel in self.sentinels if sentinel.is_running}
        return len(ports) == 1 and lost.port not in ports and self.masters()[0].is_master()

    def _is_whole(self) -> bool:
        (master, *more), others = self.masters(), len(self.sentinels) - 1
        replicas = [node for node in self.nodes if node is not master]
        ports = {node.port for node in replicas}
        try:
            known = all(sentinel.finds_well(master.port, ports, others) for sentinel in self.sentinels)
        except redis.RedisError:
            return False
        return known and not more and all(node.follows(master.port) for node in replicas)
