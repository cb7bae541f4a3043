"""Landing files that other processes parse and validate, one file a task.

What became of the lines comes back in files. The ledger, the order of files, erasure and the raw
tables stay with the run.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import duckdb
import polars as pl

from pipelines.ingest.formats import read_file
from pipelines.ingest.landing_file import LandingFile, UnreadableFile
from pipelines.ingest.validate_chunks import ChunkValidators
from pipelines.ingest.validated_chunk import ValidatedChunk
from pipelines.warehouse.umask import private_files
from schemas.definitions.procedure import Procedures

LEAST_BYTES = 512 * 2**20
"""From how many bytes of new files on others read them: starting a cluster costs as much."""

_ABOUT = "about.json"
_FRAMES = ("accepted", "violations", "rejected")
_LOOK_SECONDS = 0.1


class Tasks(Protocol):
    """Runs as many tasks in other processes as are wanted, each a call with its number.

    The task is made for the folder that they write to and the memory that one may take.
    """

    def __call__(
        self, n_tasks: int, task_for: Callable[[Path, str], Callable[[int], int]], /
    ) -> AbstractContextManager[tuple[Path, Future[Any]]]: ...


@dataclass(frozen=True)
class FileRead:
    """What a task found in a file; a `broken` one has no chunks and a sentence that says why.

    The worker does not see a `hidden` one.
    """

    sha256: str
    kind: Literal["end", "broken", "hidden"]
    problem: str
    folder: Path
    about: Sequence[tuple[int, int, int]]
    content: str

    def chunks(self) -> Iterator[ValidatedChunk]:
        """What became of the lines, in order."""
        for number, (lines, blank, position) in enumerate(self.about):
            frames = {
                name: pl.read_parquet(self.folder / f"{number}-{name}.parquet") for name in _FRAMES
            }
            yield ValidatedChunk(
                **frames, lines=lines, blank=blank, position=position, content=self.content
            )


def sent_elsewhere(files: Sequence[LandingFile]) -> list[LandingFile]:
    """Which of some new files others should read: all without a source, if they are large.

    What a source converts may be compared with what is stored.
    """
    sent = [file for file in files if file.source is None]
    is_much = len(sent) > 1 and sum(file.size for file in sent) >= LEAST_BYTES
    return sent if is_much else []


@contextmanager
def reading(
    elsewhere: Tasks | None, files: Sequence[LandingFile], procedures: Procedures, latest_ms: int
) -> Iterator[Iterator[FileRead]]:
    """What others find in the files, in their order, each as soon as it is there.

    Raises what the tasks raise.
    """
    if elsewhere is None or not files:
        yield iter(())
        return
    tasks = FileTasks(files, procedures, latest_ms)
    with elsewhere(len(files), tasks.task) as (folder, job):
        yield _read_back(files, folder, job)


@dataclass(frozen=True)
class FileTasks:
    """Files to parse and validate, each by a task with its place among them; it can be pickled."""

    files: Sequence[LandingFile]
    procedures: Procedures
    latest_ms: int

    def task(self, folder: Path, memory_limit: str) -> Callable[[int], int]:
        """The task that writes to a folder."""
        return partial(self.read, folder, memory_limit)

    def read(self, folder: Path, memory_limit: str, number: int) -> int:
        """Parse and validate a file, and write what became of its lines; the number of chunks.

        The result gets its name once it is complete, so that a task may be repeated.
        """
        file = self.files[number]
        with private_files():
            waiting = folder / f".{number}-{uuid.uuid4().hex}.part"
            waiting.mkdir()
            about: dict[str, Any] = {"kind": "end", "problem": "", "sha256": "", "chunks": []}
            try:
                about["sha256"] = file.sha256()
                about["chunks"] = [*self._validated(file, waiting, memory_limit)]
            except UnreadableFile as problem:
                about |= {"kind": "broken", "problem": str(problem)}
            except (FileNotFoundError, PermissionError):
                about["kind"] = "hidden"
            (waiting / _ABOUT).write_text(json.dumps(about))
            with suppress(OSError):  # another one has done the same
                waiting.replace(folder / str(number))
            shutil.rmtree(waiting, ignore_errors=True)
        return len(about["chunks"])

    def _validated(
        self, file: LandingFile, folder: Path, memory_limit: str
    ) -> Iterator[tuple[int, int, int]]:
        limits = {"memory_limit": memory_limit, "temp_directory": str(folder / "spill")}
        with (
            duckdb.connect(config={**limits, "threads": 1}) as con,
            ChunkValidators(con, self.procedures, self.latest_ms, threads=1) as validators,
        ):
            parts = ((None, chunk) for chunk in read_file(file, con))
            done = (validated for _, validated in validators.take_in(parts) if validated)
            for number, validated in enumerate(done):
                for name in _FRAMES:
                    frame: pl.DataFrame = getattr(validated, name)
                    frame.write_parquet(folder / f"{number}-{name}.parquet")
                yield validated.lines, validated.blank, validated.position


def _read_back(files: Sequence[LandingFile], folder: Path, job: Future[Any]) -> Iterator[FileRead]:
    for number, file in enumerate(files):
        result = folder / str(number)
        while not result.exists():
            if job.done():
                job.result()
                result.stat()  # it may have come since; without it the file is missing
            wait([job], timeout=_LOOK_SECONDS)
        about = json.loads((result / _ABOUT).read_text())
        chunks = [(lines, blank, position) for lines, blank, position in about["chunks"]]
        yield FileRead(
            about["sha256"], about["kind"], about["problem"], result, chunks, file.content
        )
        shutil.rmtree(result, ignore_errors=True)
