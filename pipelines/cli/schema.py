"""`leadtime schema`: the pandera schema of a procedure, column by column."""

from pathlib import Path

from rich.console import Console

from pipelines.terminal.text import grid
from schemas.errors import SourceError
from schemas.load import load_procedures
from schemas.nearest import did_you_mean
from schemas.records.procedure_schema import procedure_schema, schema_rows


def show_schema(console: Console, folder: Path, name: str) -> None:
    """Print the columns of a procedure (shortId), and the rules that each must keep.

    Raises `DefinitionError` for the definitions, and `SourceError` when none has that shortId.
    """
    procedures = load_procedures(folder)
    procedure = procedures.by_short_id.get(name)
    if procedure is None:
        known = procedures.by_short_id
        near = did_you_mean(name, known) or f"choose one of {', '.join(known)}"
        raise SourceError(str(folder), f"defines no procedure {name}", near)
    rows: list[tuple[str, ...]] = []
    before = ""
    for row in schema_rows(procedure_schema(procedure)):
        column = ("", "", "")
        if row.column != before:
            column = row.column, row.type, "" if row.is_nullable else "never"
            before = row.column
        rows.append((*column, row.severity, row.sentence))
    console.print(grid(("column", "type", "null", "broken", "rule"), rows, wrapped=4))
