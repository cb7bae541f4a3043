"""Workbooks: cells of every kind, and what is wrong with a file."""

import zipfile
from pathlib import Path

import pytest

from tests.support.source_zone import SourceZone, example

COLUMNS = "ABCDEFGHI"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEADER = (
    "Deal ID", "Owner", "Amount", "Create date", "Date entered Lead in", "Date entered Proposal",
    "Date entered Won", "Date entered Lost", "Last modified",
)  # fmt: skip


def workbook(path: Path, *rows: tuple[str | float | None, ...], sheet: str = "Deals") -> None:
    """A workbook with one sheet; numbers from 40,000 on are dates."""

    def cell(column: str, row: int, value: str | float) -> str:
        place = f'r="{column}{row}"'
        if isinstance(value, str):
            return f'<c {place} t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c {place} s="{int(value >= 40_000)}"><v>{value!r}</v></c>'

    lines = "".join(
        f'<row r="{number}">'
        + "".join(cell(c, number, v) for c, v in zip(COLUMNS, row, strict=False) if v is not None)
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
    relation = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPES}.worksheet+xml"/></Types>',
        "_rels/.rels": relation.format(
            f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
        ),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        f'<sheet name="{sheet}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relation.format(
            f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{RELATIONS}/styles" Target="styles.xml"/>'
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>',
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name, text)


@pytest.fixture
def zone(tmp_path: Path) -> SourceZone:
    procedures = example("wide_dates", tmp_path)
    (source,) = procedures.file_sources
    found = source.model_copy(update={"files": ("*.xlsx",)})
    object.__setattr__(procedures, "file_sources", (found,))
    return SourceZone(tmp_path / "landing", procedures)


def test_dates_and_numbers_of_a_workbook(zone: SourceZone) -> None:
    rows = (
        HEADER,
        # 2026-01-05 09:00, 2026-01-12 10:00; one more date is text
        (901.0, "Ana", 12500.5, 46027.375, 46027.375, 46034.0 + 10 / 24, "30.01.2026 15:00", None, None),
        (None, None, None, None, None, None, None, None, None),
        (902.0, "Ana", 800.0, 46027.375, "soon", None, None, None, None),
    )  # fmt: skip
    workbook(zone.folder / "deals.xlsx", *rows)
    zone.take_in()
    assert zone.states() == [
        ("901", "LEAD_IN", "OPEN", 4 * 24 + 8),
        ("901", "PROPOSAL", "OPEN", 11 * 24 + 9),
        ("901", "WON", "COMPLETED", 29 * 24 + 14),
    ]
    query = "select distinct (data->>'amount')::double from raw.process_versions"
    assert zone.rows(query) == [(12500.5,)]
    ((name, line, rules, text),) = zone.rejected()
    assert (name, line, rules) == ("deals.xlsx", 4, ["core:updated_at:type"])
    assert text.startswith("902\tAna\t800\t2026-01-05T09:00:00\tsoon")


def test_a_sheet_that_is_missing(zone: SourceZone) -> None:
    (source,) = zone.procedures.file_sources
    object.__setattr__(source, "sheet", "Export")
    workbook(zone.folder / "deals.xlsx", HEADER)
    assert zone.take_in().unreadable == ["deals.xlsx: it has no sheet 'Export', but Deals"]


def test_what_is_no_workbook(zone: SourceZone) -> None:
    (zone.folder / "deals.xlsx").write_bytes(b"Deal ID;Owner\n")
    (problem,) = zone.take_in().unreadable
    assert problem.startswith("deals.xlsx: it cannot be read as a workbook: ")
    assert zone.rows("select lines, quarantined from raw.ingest_files") == [(1, 1)]
