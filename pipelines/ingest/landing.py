"""The landing folder: which files it holds, and what each of them is."""

import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.ingest.formats import ACCEPTED, LandingFormat, find_format, find_format_of_source
from pipelines.ingest.landing_file import LandingFile
from pipelines.settings import Settings
from schemas.definitions.source import Source
from schemas.errors import OperationError
from schemas.records.activities import ACTIVITIES
from schemas.records.dimensions import DIMENSIONS, PROCESSES

_HIDDEN = (".", "_", "~")
_ACTIVITY = re.compile(rf"({'|'.join(ACTIVITIES)})[-_.]")
_TEMPORARY_SUFFIXES = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~")


def files_of(
    settings: Settings, *, has_data: bool, sources: Sequence[Source] = ()
) -> tuple[list[LandingFile], list[str]]:
    """`find_files` of the landing folder of a run.

    The default folder may be missing when `has_data`: the warehouse can be built from the versions
    it holds. A folder that was named has to exist.
    """
    if has_data and settings.follows_data and not settings.landing.exists():
        return [], []
    return find_files(settings.landing, sources)


def find_files(
    landing: Path, sources: Sequence[Source] = ()
) -> tuple[list[LandingFile], list[str]]:
    """The files to ingest in order of their names, and the names of those of another kind.

    Links are of another kind: what lies elsewhere is not taken in. Hidden files and files with a
    temporary name are left out: they are still being written. A file that matches a source is read
    as it says.
    Raises `OperationError` when the folder does not exist or cannot be listed, or a file matches
    two sources.
    """
    if landing.is_file():
        raise OperationError(str(landing), "is a file", f"Name its folder: {landing.parent}")
    if not landing.is_dir():
        raise OperationError(
            str(landing),
            "no such landing folder",
            f"Create it and put {ACCEPTED} there, or name another with --landing",
        )
    found: list[LandingFile] = []
    others: list[str] = []
    for path in sorted(_entries(landing)):
        name = path.relative_to(landing)
        if path.name.startswith(_HIDDEN):
            continue
        if path.name.lower().endswith(_TEMPORARY_SUFFIXES):
            continue
        # A name need not be UTF-8; what is written to the warehouse must be.
        text = name.as_posix().encode(errors="surrogateescape").decode(errors="backslashreplace")
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(status.st_mode):
            others.append(f"{text} (a link)")
            continue
        if not stat.S_ISREG(status.st_mode):
            continue
        file = landing_file(path, text, status, depth=len(name.parts), sources=sources)
        if file is None:
            others.append(text)
        else:
            found.append(file)
    return found, others


def _entries(landing: Path) -> Iterator[Path]:
    """All but folders in a folder and below; a folder that may not be listed is an error."""

    def refuse(error: OSError) -> None:
        action = "Give the user of this run permission to read it"
        found = f"cannot be listed: {(error.strerror or str(error)).lower()}"
        raise OperationError(str(error.filename), found, action)

    for folder, folders, names in os.walk(landing, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(_HIDDEN)]
        yield from (Path(folder, name) for name in names)
        yield from (path for name in folders if (path := Path(folder, name)).is_symlink())


def landing_file(
    path: Path,
    name: str,
    status: os.stat_result,
    *,
    depth: int = 1,
    sources: Sequence[Source] = (),
) -> LandingFile | None:
    """The file at `path`, called `name` in the ledger; None when its format is unknown.

    `depth` parts of the path lie in the landing folder. Raises `OperationError` when it matches two
    sources.
    """
    source = _source_of(name, sources)
    suffixes = Path(name).suffixes
    if source and (read := find_format_of_source(suffixes)):
        times = status.st_size, status.st_mtime_ns, status.st_ctime_ns, time.time_ns()
        return LandingFile(path, name, *read, *times, PROCESSES, depth, source)
    known = find_format(suffixes)
    if known is None:
        return None
    format_, compression = known
    return LandingFile(
        path,
        name,
        format_.name,
        compression,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        time.time_ns(),
        _content_of(Path(name).name, format_, is_compressed=compression is not None),
        depth,
    )


def _content_of(name: str, format_: LandingFormat, *, is_compressed: bool) -> str:
    """What a file holds by its name.

    `users.ndjson.gz` holds users, `users-2.ndjson` processes. Activities have versions, and so
    many files: `tasks.json`, `tasks-2026-03.ndjson` and `calls_2.jsonl` hold them.
    """
    stem, *suffixes = name.split(".")
    if format_.has_dimensions and len(suffixes) == 1 + is_compressed and stem in DIMENSIONS:
        return stem
    if format_.is_text and (found := _ACTIVITY.match(name)):
        return found[1]
    return PROCESSES


def _source_of(name: str, sources: Sequence[Source]) -> Source | None:
    found = [source for source in sources if source.matches(name)]
    if len(found) > 1:
        names = " and ".join(source.name for source in found)
        action = "Make the key `files` of one of them narrower."
        raise OperationError(name, f"matches the sources {names}", action)
    return found[0] if found else None
