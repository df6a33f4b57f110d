"""Worker processes of a test, and the faults that it gives their jobs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from config.environment import BASE_DIR
from jobs.states import JobState, job_states
from serving.parent_death import end_with_parent
from tests.support.polling import wait_until

NAMES = ("follow_binlog", "invalidations", "mails", "popup_events", "redis_copies", "removals", "rollup", "sampling")


class Worker:
    """A process of tests.jobs.faulty_worker with a folder of its own; `log` is what it has said."""

    def __init__(self, folder: Path, *names: str, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._log = folder / "log"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.jobs.faulty_worker", str(folder), *names],
                cwd=BASE_DIR, env=os.environ | environment, stdout=output, stderr=output, preexec_fn=end_with_parent,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return self._log.read_text()

    def break_job(self, name: str, kind: str) -> None:
        """Have each further step of a job fail or hang: outage, bug, exit, hang."""
        draft = self.folder / "draft"
        draft.write_text(kind)
        draft.rename(self.folder / name)

    def mend_job(self, name: str) -> None:
        (self.folder / name).unlink()

    def wait_until_hanging(self, name: str) -> None:
        wait_until((self.folder / f"{name}.began").exists)

    def end(self, signum: int = signal.SIGTERM) -> int:
        self.process.send_signal(signum)
        return self.process.wait(40)


def states() -> dict[str, JobState]:
    return {state.name: state for state in job_states()}


def wait_until_state(expected: str, *names: str) -> None:
    """Wait until all of these jobs are in a state; all jobs by default."""
    wait_until(lambda: {states()[name].state for name in names or NAMES} == {expected})
