"""Advice for files without process records: what records need, and how to convert the file."""

from pathlib import Path
from shlex import quote

from pipelines.infer.conversion import target_of, write_conversion
from pipelines.infer.foreign import Foreign, read_foreign
from pipelines.infer.roles import has_the_shape
from pipelines.terminal.text import count
from schemas.errors import SourceError

_MAX_KEYS = 40
_NEEDED = """\
A process record needs
    id, team, procedure     a uuid each
    status                  OPEN, COMPLETED or CANCELLED
    state                   the name or id of a state
    createdAt, updatedAt    epoch milliseconds
and has everything else under `data` (see schemas/docs/record.md)."""


def no_records(path: Path) -> SourceError | None:
    """The error for a file without process records, with advice.

    None if its lines cannot be read at all, or have the fields of a record and only wrong values.
    """
    foreign = read_foreign(path)
    if foreign is None or has_the_shape(foreign):
        return None
    found = "none of its lines is a process record, but they can be converted"
    return SourceError(str(path), found, f"{_keys(foreign)}\n\n{_NEEDED}\n\n{_steps(foreign)}")


def _keys(foreign: Foreign) -> str:
    names = [column.name for column in foreign.columns]
    more = len(names) - _MAX_KEYS
    listed = ", ".join(names[:_MAX_KEYS]) + (f" and {more:,} more" if more > 0 else "")
    where = f", in the list under `{foreign.under}`" if foreign.under else ""
    return f"Their keys{where} ({count(len(names))}): {listed}."


def _steps(foreign: Foreign) -> str:
    target = target_of(foreign)
    return f"""\
This DuckDB statement writes {target}. It is a guess from names and values:
save it as convert.sql and correct it.

{write_conversion(foreign)}
Then:
    mkdir {Path(target).parent}
    uv run python -c "import duckdb; duckdb.execute(open('convert.sql').read())"
    uv run leadtime check --infer {quote(target)} > {quote(f"{foreign.stem}.yaml")}"""
