"""The landing sensor: asks for a run until the ledger has every file of the landing folder."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from pipelines.defs.jobs import REFRESH
from pipelines.ingest.landing import find_files
from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.manifest import FORGOTTEN, FileKey, read_manifest
from pipelines.settings import Settings, now
from schemas.definitions.source import Source
from schemas.errors import OperationError

_FIRST_PAUSE_SECONDS = 300
_MAX_PAUSE_SECONDS = 86_400
_UNFINISHED = dg.RunsFilter(
    job_name=REFRESH,
    statuses=[
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ],
)


@dataclass
class _Memory:
    """What the sensor keeps between two evaluations, by file name and by file.

    `marks` are sizes and times at the last evaluation, `hashes` those of files at rest with the
    mark they belong to, `asked` how often a run was requested for a file and when at the earliest
    to request the next one.
    """

    marks: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    hashes: dict[str, tuple[list[int], str]] = field(
        default_factory=dict[str, tuple[list[int], str]]
    )
    asked: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])

    @classmethod
    def read(cls, cursor: str | None) -> "_Memory":
        stored: dict[str, Any] = json.loads(cursor) if cursor else {}
        # A cursor of an earlier release has other keys.
        return cls(**stored) if stored.keys() <= {"marks", "hashes", "asked"} else cls()

    def write(self) -> str:
        return json.dumps(vars(self))


def landing_sensor(settings: Settings, sources: Sequence[Source] = ()) -> dg.SensorDefinition:
    """One run for new landing files that are no longer being written; off until turned on.

    A file is known by its bytes. A run that fails leaves its files out of the ledger: they are
    requested again after 5 minutes, then 10, 20 and so on up to a day.
    """

    @dg.sensor(
        name="landing",
        job_name=REFRESH,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs `refresh` when new files are in the landing folder and have not changed "
        "for a minute; requests them again, at growing intervals, until the ledger has them. Off "
        "until switched on.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            files, _ = find_files(settings.landing, sources)
            stored = _stored_files(settings)
        except OperationError as error:
            return dg.SkipReason(str(error))
        memory = _Memory.read(context.cursor)
        before, memory.marks = memory.marks, {file.name: [*file.mark] for file in files}
        changing = [file for file in files if before.get(file.name) != [*file.mark]]
        resting = [
            file for file in files if file not in changing or _is_stored(file, memory, stored)
        ]
        pending = sorted({key for file in resting if (key := _key(file, memory)) not in stored})
        memory.hashes = {n: h for n, h in memory.hashes.items() if n in memory.marks}
        memory.asked = {key: memory.asked[key] for key in pending if key in memory.asked}
        if changing := len(files) - len(resting):
            return _skip(memory, f"{changing} new; waiting until nothing changes for a minute.")
        if not pending:
            return _skip(memory, "No new files.")
        if context.instance.get_run_ids(_UNFINISHED, limit=1):
            return _skip(memory, f"{len(pending)} new; a run is at work.")
        due = [key for key in pending if memory.asked.get(key, (0, 0.0))[1] <= now().timestamp()]
        if not due:
            return _skip(memory, _failed_sentence(memory, pending))
        request = dg.RunRequest(
            run_key=_run_key(memory, due), tags={"leadtime/new_files": str(len(pending))}
        )
        for key in due:
            times = memory.asked.get(key, (0, 0.0))[0] + 1
            memory.asked[key] = times, now().timestamp() + _pause_seconds(times)
        return dg.SensorResult(run_requests=[request], cursor=memory.write())

    return landing


def _stored_files(settings: Settings) -> set[str]:
    """The files that the warehouse has or must not have, as `_key` writes them."""
    if not settings.warehouse.exists():
        return set()
    entries = read_manifest(settings.manifest)
    return {_text(e.key) for e in entries if e.is_stored or e.status == FORGOTTEN}


def _is_stored(file: LandingFile, memory: _Memory, stored: set[str]) -> bool:
    mark, sha256 = memory.hashes.get(file.name, ([], ""))
    return mark == [*file.mark] and _text((sha256, file.content)) in stored


def _key(file: LandingFile, memory: _Memory) -> str:
    """A file by its content and the hash of its bytes, which is computed once per mark."""
    mark, sha256 = memory.hashes.get(file.name, ([], ""))
    if mark != [*file.mark]:
        try:
            sha256 = file.sha256()
        except OSError:  # this user may not read it, which the run reports
            return f"{file.content}:{file.name}"
        memory.hashes[file.name] = [*file.mark], sha256
    return _text((sha256, file.content))


def _text(key: FileKey) -> str:
    sha256, content = key
    return f"{content}:{sha256}"


def _run_key(memory: _Memory, due: Iterable[str]) -> str:
    """A key per set of files and attempt: Dagster starts no second run for a key it has seen."""
    attempts = [f"{key} {memory.asked.get(key, (0, 0.0))[0]}" for key in due]
    return hashlib.sha256("\n".join(attempts).encode()).hexdigest()


def _pause_seconds(times: int) -> float:
    return min(_FIRST_PAUSE_SECONDS * 2 ** (times - 1), _MAX_PAUSE_SECONDS)


def _failed_sentence(memory: _Memory, pending: list[str]) -> str:
    seconds = min(memory.asked[key][1] for key in pending) - now().timestamp()
    files = "file is" if len(pending) == 1 else "files are"
    return (
        f"{len(pending)} {files} not in the ledger although a run was requested; the next request "
        f"follows in {max(1, round(seconds / 60))} min."
    )


def _skip(memory: _Memory, reason: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=memory.write())
