"""Advice for files without process records: what they have instead, and what to do with them."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from pipelines.infer.foreign import Foreign, read_foreign
from pipelines.infer.roles import has_the_shape
from pipelines.ingest.formats import ACCEPTED
from pipelines.ingest.landing_file import UnreadableFile
from pipelines.terminal.text import count, counted, some_of
from schemas.errors import OperationError, SourceError

_MAX_KEYS = 40
_READ = f"{ACCEPTED}, .csv, .tsv or .xlsx"
# By the ending of a name: what the file is, and what to do with it.
_OTHERS = {
    ".sql": ("a dump of a database", "Load it, and export the table with the processes as CSV."),
    ".xls": ("a workbook of an old kind", "Save it as .xlsx, or its sheet as CSV."),
    ".ods": ("a workbook of another kind", "Save it as .xlsx, or its sheet as CSV."),
    ".txt": ("text of an unknown kind", "Rename it to .csv or .ndjson, whichever it is."),
    ".log": ("text of an unknown kind", "Rename it to .csv or .ndjson, whichever it is."),
    ".xml": ("XML", "Export JSON or CSV instead."),
    ".html": ("a page of HTML", "Export JSON or CSV instead."),
    ".pdf": ("a PDF", "Export JSON or CSV instead."),
    ".avro": ("Avro", "Convert it to Parquet, as DuckDB does."),
    **dict.fromkeys(
        (".zip", ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz"),
        ("an archive", "Unpack it, and name a file in it; single files may be .gz or .zst."),
    ),
    **dict.fromkeys(
        (".db", ".sqlite", ".duckdb", ".mdb"),
        ("a database", "Export the table with the processes as CSV or Parquet."),
    ),
}


class ForeignFile(SourceError):
    """A file of another shape: what `foreign` has can become process records by a source."""

    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign
        found = "none of its lines is a process record, but a source can make such records of them"
        super().__init__(str(foreign.path), found, _steps(foreign))


class ForeignFolder(OperationError):
    """A folder without process records, with files that a source can read."""

    def __init__(self, folder: Path, names: Sequence[str], *, are_dated: bool) -> None:
        found = f"no process records, but {counted(len(names), 'file')} that a source can read"
        action = f"Name one of them: {some_of(names)}."
        if are_dated:
            action += (
                " Together they are read as lists of all processes by date, where most of the "
                "processes of a list are in the next one, in one row each, in the same columns:\n"
                f"    leadtime check --infer {quote(str(folder))} --to DIR"
            )
        super().__init__(str(folder), found, action)


def no_records(path: Path) -> SourceError | None:
    """The error for a file without process records, with advice.

    None if its lines cannot be read at all, or have the fields of a record and only wrong values.
    """
    try:
        foreign = read_foreign(path)
    except UnreadableFile as problem:
        action = "Ask for it again, or name another file."
        return SourceError(str(path), str(problem), action)
    if foreign is None:
        return _not_text(path)
    # In an envelope, even whole records need a source.
    if foreign.source.items is None and has_the_shape(foreign):
        return None
    return ForeignFile(foreign)


def other_kind(path: Path) -> SourceError | None:
    """The error for a file that leadtime does not read; None where its name says nothing."""
    endings = [suffix.lower() for suffix in path.suffixes]
    kind = next((_OTHERS[e] for e in reversed(endings) if e in _OTHERS), None)
    if kind is None:
        return None
    found, action = kind
    return SourceError(str(path), f"it is {found}", f"{action} leadtime reads {_READ}.")


def _not_text(path: Path) -> SourceError | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(b"\0") > len(head) / 4:
        command = f"iconv -f UTF-16 -t UTF-8 {quote(path.name)}"
        return SourceError(
            str(path), "it is not text in UTF-8, as JSON is", f"Convert: `{command}`"
        )
    if zipfile.is_zipfile(path):
        return SourceError(str(path), "it is an archive", "Unpack it, and name a file in it.")
    return None


def _steps(foreign: Foreign) -> str:
    names = [column.name for column in foreign.columns]
    more = len(names) - _MAX_KEYS
    listed = ", ".join(names[:_MAX_KEYS]) + (f" and {more:,} more" if more > 0 else "")
    where = f", in `{foreign.source.items}`" if foreign.source.items else ""
    return f"""\
Their keys{where} ({count(len(names))}): {listed}.

This writes a source with the meaning of these keys, and a definition, into a folder DIR:
    leadtime check --infer {quote(str(foreign.path))} --to DIR"""
