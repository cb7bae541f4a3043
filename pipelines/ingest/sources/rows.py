"""The rows of a file with the cells that a source needs, whatever the format."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.ingest.landing_file import UnreadableFile
from schemas.definitions.source import Source

_SHOWN = 20
_LOG_COLUMNS = ("at", "field", "old", "new")


@dataclass(frozen=True)
class Row:
    """A row: the number of its (first) line in the file, its text, and its cells by column.

    `cells` is None where the row is blank, or breaks the `rule`. `seq` orders the rows made of one
    line, and one that is not `is_shown` only says what changed before the next one.
    """

    line: int
    text: str
    cells: list[str | None] | None = None
    rule: str | None = None
    seq: int = 0
    is_shown: bool = True


def columns_of(source: Source) -> list[str]:
    """The columns or paths that a source takes values from."""
    names = [
        *source.fields.values(),
        *source.attributes.values(),
        *source.names.values(),
        *source.stages.values(),
    ]
    if source.deletion:
        names.append(source.deletion.column)
    if source.log and source.shape == "event_log":
        log = source.log
        names += [name for key in _LOG_COLUMNS if (name := getattr(log, key)) is not None]
    return list(dict.fromkeys(names))


def places_of(header: list[str], source: Source) -> list[int]:
    """The places of the columns of a source in a header.

    Raises `UnreadableFile` when one is missing or there twice.
    """
    found = [name.strip() for name in header]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    listed = ", ".join(found[:_SHOWN]) + more
    for name in columns_of(source):
        if found.count(name) != 1:
            how = "has no column" if name not in found else "has more than one column"
            raise UnreadableFile(
                f"it {how} {name!r}, which the source {source.name} names; its columns are {listed}"
            )
    return [found.index(name) for name in columns_of(source)]


def table_rows(rows: Iterable[Row], source: Source, rule: str) -> Iterator[Row]:
    """The rows of a table below its header, with the cells that the source needs, in its order.

    Raises `UnreadableFile` when the header lacks a column. A row with more or fewer cells than the
    header breaks the rule.
    """
    places: list[int] | None = None
    width = 0
    for row in rows:
        if row.cells is None or not any(cell and not cell.isspace() for cell in row.cells):
            yield Row(row.line, row.text, None, row.rule)
        elif places is None:
            header = [cell or "" for cell in row.cells]
            places, width = places_of(header, source), len(header)
        elif len(row.cells) != width:
            yield Row(row.line, row.text, None, rule)
        else:
            cells = [_value(row.cells[place]) for place in places]
            yield Row(row.line, row.text, cells)
    if places is None:
        raise UnreadableFile("it has no header")


def _value(cell: str | None) -> str | None:
    return (cell.strip() or None) if cell else None
