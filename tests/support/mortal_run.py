"""Runs in processes that can be killed, at a named point, after a time, or from outside.

One server process imports everything once and forks a process per run: a run costs no imports.
What must hold of the data folder afterwards belongs to the tests.
"""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import IO, Any

from pipelines import run as run_module
from pipelines.ingest.raw_writer import Store
from pipelines.launch import run_job
from pipelines.publish import generation
from pipelines.run import Request
from pipelines.settings import Settings
from tests.support.builds import build_all
from tests.support.definition_runs import AS_OF
from transforms.builder.builder import Builder
from transforms.builder.refresh import HistoryRefresher

# A run is killed before one of these: between two of them nothing is written.
STEPS: tuple[tuple[Any, str], ...] = (
    (run_module, "open_warehouse"),
    (run_module, "revalidate"),
    (run_module, "write_manifest"),
    (Store, "begin"),
    (Store, "add"),
    (Store, "commit"),
    (run_module, "write_config"),
    (run_module, "drop_stale_tables"),
    (HistoryRefresher, "_rebuild"),
    (HistoryRefresher, "_update"),
    (HistoryRefresher, "_move_mark"),
    (Builder, "build"),
    (generation, "_write"),
    (generation, "_verify"),
    (generation, "sync"),
    (generation, "move_to_name"),
    (generation, "_point_to"),
    (generation, "_drop_old"),
    (Path, "chmod"),
    (Path, "replace"),
    (Path, "symlink_to"),
    (Path, "unlink"),
)


class MortalRuns:
    """Starts runs over data folders; `with mortal_runs() as runs` makes one."""

    def __init__(self, asked: IO[str], told: IO[str]) -> None:
        self._asked = asked
        self._told = told

    def start(self, folder: Path, *, dies: str = "never") -> int:
        """Start a run over `folder` (`data`, `landing`, `procedures`); its process id.

        `dies` is `never`, a number of seconds, a point from `points`, or `listing`.
        """
        self._asked.write(f"{folder}\t{dies}\n")
        self._asked.flush()
        return int(self._told.readline())

    def wait(self) -> int:
        """The exit code of the run, once it has ended; minus the signal where one killed it."""
        return int(self._told.readline())

    def points(self, folder: Path) -> list[str]:
        """The points of a run over `folder`, in order, found by one that ends well."""
        self.start(folder, dies="listing")
        assert self.wait() == 0
        return (folder / "points.txt").read_text().splitlines()


@contextmanager
def mortal_runs() -> Iterator[MortalRuns]:
    command = [sys.executable, "-m", "tests.support.mortal_run"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as server:
        assert server.stdin
        assert server.stdout
        yield MortalRuns(server.stdin, server.stdout)
        server.stdin.close()


def settings_of(folder: Path) -> Settings:
    return Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures", keep=2
    )


def _serve() -> None:
    for request in sys.stdin:
        folder, dies = request.rstrip("\n").split("\t")
        process = os.fork()
        if process == 0:
            _run(Path(folder), dies)
        _tell(process)
        _, status = os.waitpid(process, 0)
        _tell(os.waitstatus_to_exitcode(status))


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(folder: Path, dies: str) -> None:
    try:
        passed: list[str] = []
        # Those that die at some time are started as a person starts them, with Dagster.
        run = build_all
        if dies.replace(".", "").isdigit():
            # Its default action ends the process, as SIGKILL would: nothing is run or flushed.
            signal.setitimer(signal.ITIMER_REAL, float(dies))
            run = run_job
        elif dies != "never":
            _watch(passed, dies)
        run(settings_of(folder), Request(as_of=AS_OF))
        (folder / "points.txt").write_text("\n".join(passed))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(1)  # a forked process must not return to the server


def _watch(passed: list[str], fatal: str) -> None:
    """Note each step when it is reached, numbered by name; die at the one called `fatal`."""
    for owner, name in STEPS:
        step: Callable[..., Any] = getattr(owner, name)

        @wraps(step)
        def watched(
            *args: Any, _step: Callable[..., Any] = step, _name: str = name, **options: Any
        ) -> Any:
            number = 1 + sum(point.partition(" ")[0] == _name for point in passed)
            passed.append(f"{_name} {number}")
            if passed[-1] == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return _step(*args, **options)

        setattr(owner, name, watched)


if __name__ == "__main__":
    _serve()
