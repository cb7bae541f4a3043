"""Cells of text files: damaged rows keep their place and text and cost no others."""

from pathlib import Path

import pytest

from tests.support.source_zone import SourceZone, example

HEADER = "Opportunity\tTo stage\tChanged\tOwner id\tOwner\tAmount"
GOOD = "O-{}\tProspecting\t01/05/2026 09:00 AM\t005A\tKim Lee\t1,000"
NAME = "crm/opportunity_history.tsv"


@pytest.fixture
def zone(tmp_path: Path) -> SourceZone:
    return SourceZone(tmp_path / "landing", example("stage_rows", tmp_path))


def lines(zone: SourceZone) -> list[str]:
    return [key for key, *_ in zone.states()]


def ledger(zone: SourceZone) -> tuple[int, ...]:
    """Lines, added, accepted, duplicates, quarantined, blank."""
    ((*counts,),) = zone.rows(
        "select lines, added, accepted, duplicates, quarantined, blank from raw.ingest_files"
    )
    return tuple(counts)


def test_a_quote_that_is_not_closed_costs_one_line(zone: SourceZone) -> None:
    bad = 'O-2\tProspecting\t01/05/2026 09:00 AM\t005A\t"Kim\t1,000'
    zone.text(NAME, HEADER, GOOD.format(1), bad, GOOD.format(3), "", GOOD.format(4))
    zone.take_in()
    assert zone.rejected() == [(NAME, 3, ["file:row:cells"], bad)]
    assert lines(zone) == ["O-1", "O-3", "O-4"]
    assert ledger(zone) == (5, 1, 4, 0, 1, 1)


def test_a_cell_may_have_several_lines(zone: SourceZone) -> None:
    first = 'O-2\tProspecting\t01/05/2026 09:00 AM\t005A\t"Kim'
    zone.text(NAME, HEADER, first, 'Lee"\t1,000', GOOD.format(3), "short\trow")
    zone.take_in()
    assert lines(zone) == ["O-2", "O-3"]
    assert zone.rejected() == [(NAME, 5, ["file:row:cells"], "short\trow")]
    names = zone.rows("select name from raw.dimension_rows order by name")
    assert [name for (name,) in names] == ["Kim Lee"]


def test_bytes_of_another_encoding(zone: SourceZone) -> None:
    bad = GOOD.format(2).replace("Lee", "L\xe9e").encode("latin-1")
    good = [f"{line}\r\n".encode() for line in (HEADER, GOOD.format(1))]
    zone.put(NAME, b"\xef\xbb\xbf" + good[0], good[1], bad + b"\r\n", GOOD.format(3).encode())
    zone.take_in()
    assert lines(zone) == ["O-1", "O-3"]
    assert zone.rejected() == [
        (NAME, 3, ["file:row:encoding"], GOOD.format(2).replace("Lee", "L\\xe9e"))
    ]


def test_a_file_without_a_column_is_unreadable(zone: SourceZone) -> None:
    zone.text(NAME, HEADER.replace("Changed", "Date"), GOOD.format(1))
    report = zone.take_in()
    assert report.unreadable == [
        f"{NAME}: it has no column 'Changed', which the source opportunity_history names; its "
        "columns are Opportunity, To stage, Date, Owner id, Owner, Amount"
    ]
    assert ledger(zone) == (1, 0, 0, 0, 1, 0)


def test_the_text_of_every_row_is_accounted_for(zone: SourceZone) -> None:
    rows = [GOOD.format(n) if n % 3 else GOOD.format(n).replace("Prosp", "Rep") for n in range(900)]
    zone.text(NAME, HEADER, *rows)
    zone.take_in()
    assert zone.rejected() == [
        (NAME, n + 2, ["core:state_key:isin"], rows[n]) for n in range(0, 900, 3)
    ]
    assert ledger(zone) == (900, 1, 601, 0, 300, 0)
