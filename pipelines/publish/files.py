"""Where the published databases are: the pointer, and the files of the generations."""

import re
from pathlib import Path

from pipelines.settings import Settings
from schemas.errors import OperationError

_NAME = re.compile(r"analytics-([0-9]{6,9})\.duckdb")
_PEOPLE_NAME = re.compile(r"people-([0-9]{6,9})\.duckdb")
# A larger number was written by something else: it is not counted on from.
LARGEST = 900_000_000
_NUMBERS_SHOWN = 8


def published_file(settings: Settings) -> Path | None:
    """The database that analysts query: the target of the pointer, else the newest generation.

    None when there is none. Where the data folder is a file, it is the database itself.
    """
    if settings.data.is_file():
        return settings.data
    # The pointer may change at any time: resolve it once.
    if settings.published.exists():
        return settings.published.resolve()
    return max(generations(settings), key=number_of, default=None)


def generations(settings: Settings) -> list[Path]:
    """The files of the generations that are there."""
    if not settings.generations.is_dir():
        return []
    return [
        path
        for path in settings.generations.resolve().iterdir()
        if is_generation(path.name) and number_of(path) < LARGEST
    ]


def named_file(settings: Settings, name: str) -> Path:
    """The file of a generation by its number, or the path itself.

    Raises `OperationError` when there is no such generation or file.
    """
    if name.isdecimal():
        known = {number_of(path): path for path in generations(settings)}
        if int(name) not in known:
            numbers = sorted(known)[-_NUMBERS_SHOWN:]
            there = f"Kept in {settings.generations}: {', '.join(map(str, numbers)) or 'none'}."
            raise OperationError("generation", f"found {name}", there)
        return known[int(name)]
    path = Path(name)
    if not path.is_file():
        raise OperationError(name, "is no file", "Name a database file, or a generation's number.")
    return path.resolve()


def people_files(folder: Path) -> list[Path]:
    """The files with personal values that a folder has: each for its generation and later ones."""
    if not folder.is_dir():
        return []
    return [path for path in folder.resolve().iterdir() if _PEOPLE_NAME.fullmatch(path.name)]


def people_file(published: Path) -> Path | None:
    """The file with the personal values behind the generation in a file; None without one.

    Raises `PermissionError` when this user may not list these files.
    """
    if not is_generation(published.name):
        return None
    number = number_of(published)
    files = people_files(published.parent.parent / "people")
    return max((f for f in files if number_of(f) <= number), key=number_of, default=None)


def number_of(path: Path) -> int:
    """The number of the generation in a file, or of the first one that a file is for."""
    return int(path.stem.rpartition("-")[2])


def is_generation(name: str) -> bool:
    """Whether a file of this name is one of a generation."""
    return _NAME.fullmatch(name) is not None
