"""Sheets of workbooks (.xlsx) as rows; the text of a row is its cells with tabs between them."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook

from pipelines.ingest.landing_file import LandingFile, UnreadableFile, most_bytes
from pipelines.ingest.sources.rows import Row, table_rows
from schemas.definitions.source import Source
from schemas.records.all_rules import NOT_A_ROW

Cell = float | str | bool | time | date | datetime | timedelta


def read_sheet(file: LandingFile, source: Source) -> Iterator[Row]:
    """The rows of a sheet below its header, numbered as in the workbook.

    Raises `UnreadableFile` when it is not a workbook, its content is too large for a file of its
    size, or the sheet or a column is missing.
    """
    yield from table_rows(sheet_rows(file, source.sheet), source, NOT_A_ROW.id)


def sheet_rows(file: LandingFile, sheet: str | None = None) -> Iterator[Row]:
    """All rows of a sheet with all their cells, the header among them; without a name of the first.

    Raises `UnreadableFile` as `read_sheet` does.
    """
    with file.open() as opened:
        try:
            with zipfile.ZipFile(opened) as parts:
                size = sum(part.file_size for part in parts.infolist())
            if size > most_bytes(file.size):
                raise UnreadableFile(f"its content takes more than {most_bytes(file.size):,} bytes")
            opened.seek(0)
            with CalamineWorkbook.from_filelike(opened) as workbook:
                names = workbook.sheet_names
                name = sheet or (names[0] if names else "")
                if name not in names:
                    raise UnreadableFile(f"it has no sheet {name!r}, but {', '.join(names)}")
                yield from _rows(workbook, name)
        except (zipfile.BadZipFile, CalamineError) as error:
            raise UnreadableFile(f"it cannot be read as a workbook: {error}") from error


def _rows(workbook: CalamineWorkbook, name: str) -> Iterator[Row]:
    sheet = workbook.get_sheet_by_name(name)
    first = 1 + (sheet.start[0] if sheet.start else 0)
    # Rows above the first cell are not there; columns before it are empty in every row.
    for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=first):
        cells = [_text(cell) for cell in row]
        yield Row(number, "\t".join(cell or "" for cell in cells).strip(), [*cells])


def _text(cell: Cell) -> str | None:
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case datetime() | date() | time():
            return cell.isoformat()
        case str():
            return cell.replace("\r", "") or None
        case _:
            return str(cell)
