"""Forgetting a file: the raw tables are then as if it had never been there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from pipelines.ingest.files import ingest
from pipelines.ingest.forget import forget
from pipelines.ingest.landing import find_files
from pipelines.ingest.manifest import in_manifest_order, read_manifest, write_manifest
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.dimension_files import ANN, BOB, row
from tests.support.landing_zone import NOW, PROCEDURES, Zone, lead

RAW = {
    "process_versions": "process_id, updated_at, data::varchar, ingest_seq",
    "quarantine": "ingest_seq, rules, raw_text",
    "violations": "ingest_seq, rule, column_name",
    "dimension_rows": "ingest_seq, dimension, id, name",
    "ingest_files": "file_seq, file_name, status, lines, accepted, duplicates, quarantined, blank",
}


class Landed:
    """A landing folder, a warehouse in memory and the manifest beside it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=folder, landing=folder / "landing")
        self.zone = Zone(self.settings.landing)
        self.settings.landing.mkdir(parents=True, exist_ok=True)

    def take_in(self) -> None:
        manifest = self.settings.manifest
        write_manifest(manifest, self.zone.con)
        entries = read_manifest(manifest)
        files = in_manifest_order(find_files(self.zone.folder)[0], entries)
        reserved = {entry.key: entry.file_seq for entry in entries}
        ingest(self.zone.con, files, PROCEDURES, started_at=NOW, reserved=reserved)
        write_manifest(manifest, self.zone.con)

    def forget(self, name: str) -> list[str]:
        gone = forget(self.zone.con, self.settings, PROCEDURES, name, started_at=NOW)
        return [gone.file_name, str(gone.counts.lines), str(gone.reread.files)]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: self.zone.rows(f"select {columns} from raw.{table} order by all")
            for table, columns in RAW.items()
        }


def test_lines_go_and_duplicates_of_them_come_back(tmp_path: Path) -> None:
    landed = Landed(tmp_path)
    landed.zone.put("a.ndjson", lead(1), lead(2), b"{}\n")
    landed.take_in()
    landed.zone.put("b.ndjson", lead(1), lead(3))
    landed.take_in()
    assert landed.zone.versions() == [(1, 1, 1), (1, 2, 2), (2, 2, 3)]

    assert landed.forget("a.ndjson") == ["a.ndjson", "3", "1"]
    assert landed.zone.versions() == [(2, 1, 1), (2, 2, 3)]
    assert landed.zone.ledger("status") == [
        ("a.ndjson", "forgotten", 0, 0, 0, 0, 0),
        ("b.ndjson", "ingested", 2, 2, 0, 0, 0),
    ]
    assert landed.zone.rows("select * from raw.quarantine") == []
    before = landed.tables()
    landed.take_in()
    assert landed.tables() == before, "no run takes the file in again"

    again = Landed(tmp_path)
    again.take_in()
    assert again.zone.versions() == [(2, 1, 1), (2, 2, 3)], "nor does a rebuilt warehouse"


def test_history_is_rebuilt_by_the_next_run(tmp_path: Path) -> None:
    landed = Landed(tmp_path)
    landed.zone.put("a.ndjson", lead(1))
    landed.take_in()
    landed.zone.con.execute("create schema history")
    landed.zone.con.execute("create table history.watermarks as select 'processes' as table_name")
    landed.forget("a.ndjson")
    assert landed.zone.rows("from history.watermarks") == []


def test_what_cannot_be_forgotten_changes_nothing(tmp_path: Path) -> None:
    landed = Landed(tmp_path)
    landed.zone.put("a.ndjson", lead(1))
    landed.take_in()
    later = landed.zone.put("b.ndjson", lead(1), lead(2))
    landed.take_in()
    landed.zone.put("a.ndjson", lead(3))
    landed.take_in()
    before = landed.tables()
    with pytest.raises(OperationError, match="is not a file of the ledger"):
        landed.forget("c.ndjson")
    with pytest.raises(OperationError, match=r"is the name of 2 files\. Give the start"):
        landed.forget("a.ndjson")
    ((sha256,),) = landed.zone.rows("select sha256 from raw.ingest_files where file_seq = 1")
    later.rename(tmp_path / "archived.ndjson")
    with pytest.raises(OperationError, match=r"files are missing\. Bring back b\.ndjson"):
        landed.forget(sha256[:12])
    assert landed.tables() == before
    (tmp_path / "archived.ndjson").rename(later)
    assert landed.forget(sha256[:12]) == ["a.ndjson", "1", "1"]
    with pytest.raises(OperationError, match="is forgotten already"):
        landed.forget(sha256)


def test_rows_of_a_dimension_are_compared_again(tmp_path: Path) -> None:
    """The third file repeats the first once the second is gone."""
    landed = Landed(tmp_path)
    for place, name in enumerate(("Ann", "Anna", "Ann"), 1):
        landed.zone.put(f"{place}/users.ndjson", row(ANN, name=name), row(BOB, name=f"Bob {place}"))
        landed.take_in()
    landed.forget("2/users.ndjson")
    assert landed.zone.ledger("status")[1:] == [
        ("2/users.ndjson", "forgotten", 0, 0, 0, 0, 0),
        ("3/users.ndjson", "ingested", 2, 1, 1, 0, 0),
    ]
    assert landed.zone.stored() == [
        ("users", 1, 1, "a", "Ann"),
        ("users", 1, 2, "b", "Bob 1"),
        ("users", 3, 2, "b", "Bob 3"),
    ]


LINES = st.sampled_from([lead(n) for n in (1, 2, 3)] + [lead(1, state="GONE"), b"{}\n", b"\n"])


@pytest.mark.nightly
@given(
    files=st.lists(
        st.lists(LINES, min_size=1, max_size=4), min_size=2, max_size=4, unique_by=tuple
    ),
    which=st.integers(0, 3),
)
@example_settings(max_examples=6, deadline=None)
def test_it_is_as_if_the_file_had_never_been_there(
    files: list[list[bytes]], which: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("forget")
    forgotten = f"{which % len(files)}.ndjson"
    landed, never = Landed(folder / "a"), Landed(folder / "b")
    for number, lines in enumerate(files):
        landed.zone.put(f"{number}.ndjson", *lines)
        landed.take_in()
    landed.forget(forgotten)
    # The other warehouse has the same numbers, and never the file.
    (folder / "b" / "ledger.ndjson").write_text(landed.settings.manifest.read_text())
    for number, lines in enumerate(files):
        never.zone.put(f"{number}.ndjson", *lines)
    never.take_in()
    expected = never.tables()
    actual = landed.tables()
    actual["ingest_files"] = [r for r in actual["ingest_files"] if r[2] != "forgotten"]
    landed.zone.con.close()
    never.zone.con.close()
    assert actual == expected
