"""Copies in processes that are killed at a named point.

One server process imports everything once and forks a process per copy. What must hold afterwards
belongs to the tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from pipelines.export.engines.address import parse_address
from pipelines.export.engines.copy import copy_generation
from pipelines.settings import Settings

Copy = Callable[[Path, str, str], int]


@contextmanager
def mortal_copies() -> Iterator[Copy]:
    """A function of the data folder, the address and the point: the exit code of the copy.

    A point is a module, a name in it and the number of the call that is fatal, as `os:unlink 2`.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.mortal_copy"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as server:
        asked, told = server.stdin, server.stdout
        assert asked
        assert told

        def copy(data: Path, address: str, point: str) -> int:
            asked.write(f"{data}\t{address}\t{point}\n")
            asked.flush()
            return int(told.readline())

        yield copy
        asked.close()


def _serve() -> None:
    for request in sys.stdin:
        data, address, point = request.rstrip("\n").split("\t")
        is_delta = address.startswith("delta:")
        import_module("deltalake" if is_delta else "adbc_driver_postgresql.dbapi")
        process = os.fork()
        if process == 0:
            _copy(Path(data), address, point)
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _copy(data: Path, address: str, point: str) -> None:
    try:
        _watch(point)
        copy_generation(Settings(data=data), parse_address(address))
        os._exit(0)
    finally:
        os._exit(1)  # a forked process must not return to the server


def _watch(point: str) -> None:
    """Die at a call of a function."""
    place, _, number = point.partition(" ")
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    step: Callable[..., Any] = getattr(owner, name)
    calls: list[None] = []

    def watched(*args: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args, **options)

    setattr(owner, name, watched)


if __name__ == "__main__":
    _serve()
