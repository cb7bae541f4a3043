"""Runs of ingest: files in one transaction each, in order, whatever happens beside them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest import files as ingest_module
from pipelines.ingest import landing_file
from pipelines.ingest.chunks import Chunk
from pipelines.ingest.files import ingest
from pipelines.ingest.landing import find_files
from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.ledger import Counts
from pipelines.ingest.quarantine import list_quarantine, replay
from pipelines.ingest.raw_writer import Store
from pipelines.ingest.read_lines import read_lines
from pipelines.ingest.validate_chunks import ValidatedChunk
from schemas.definitions.procedure import Procedures
from schemas.errors import CorruptWarehouse
from tests.support.landing_zone import LEAD, NOW, PROCEDURES, START, Zone, lead

NO_LEAD = Procedures((PROCEDURES.by_short_id["ticket"],), {}, PROCEDURES.calendars)


# Seconds after which the times of a file decide whether it has changed.
PAST_THE_TICK = 0.03


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    zone = Zone(tmp_path)
    yield zone
    zone.con.close()


def test_files_are_numbered_in_order_and_lines_within_them(zone: Zone) -> None:
    zone.put("b.ndjson", lead(3), b"\n", b"{}\n", lead(4))
    zone.put("a.ndjson", lead(1), lead(2), lead(1))
    report = zone.ingest()
    assert zone.versions() == [(1, 1, 1), (1, 2, 2), (2, 1, 3), (2, 4, 4)]
    assert zone.ledger() == [("a.ndjson", 3, 2, 1, 0, 0), ("b.ndjson", 4, 2, 0, 1, 1)]
    assert report.counts == Counts(lines=7, accepted=4, duplicates=1, quarantined=1, blank=1)
    zone.put("0.ndjson", lead(5))
    zone.ingest()
    assert zone.versions()[-1] == (3, 1, 5)
    batches = "select batch_seq, count(*) from raw.process_versions group by all order by all"
    assert zone.rows(batches) == [(1, 4), (2, 1)]


def test_the_same_bytes_twice_in_one_run(zone: Zone) -> None:
    zone.put("a.ndjson", lead(1))
    zone.put("b.ndjson", lead(1))
    time.sleep(PAST_THE_TICK)
    report = zone.ingest()
    assert (report.files, report.seen_before) == (1, 1)
    assert zone.rows("select file_name from raw.landing_paths order by all") == [
        ("a.ndjson",),
        ("b.ndjson",),
    ]


def test_the_same_bytes_as_a_file_that_changes_wait_for_the_next_run(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.put("a.ndjson", lead(1))
    zone.put("b.ndjson", lead(1))
    monkeypatch.setattr(LandingFile, "is_unchanged", lambda self: self.name != "a.ndjson")
    report = zone.ingest()
    assert (report.files, report.still_written) == (0, ["a.ndjson", "b.ndjson"])
    monkeypatch.undo()
    assert zone.ingest().files == 1
    assert zone.versions() == [(1, 1, 1)]


def test_files_that_have_not_changed_are_not_read_again(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.put("a.ndjson", lead(1))
    time.sleep(PAST_THE_TICK)
    zone.ingest()
    monkeypatch.delattr(LandingFile, "sha256")
    report = zone.ingest()
    assert (report.files, report.seen_before) == (0, 1)


@pytest.mark.parametrize("pause", [0, PAST_THE_TICK])
def test_a_file_corrected_under_the_same_name_size_and_time_is_read(
    zone: Zone, pause: float
) -> None:
    path = zone.put("a.ndjson", lead(1))
    before = path.stat()
    time.sleep(pause)
    zone.ingest()
    zone.put("a.ndjson", lead(2))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert zone.ingest().files == 1
    assert zone.versions() == [(1, 1, 1), (2, 1, 2)]


def test_a_file_that_had_just_changed_is_hashed_again(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a tick of the clock a file can change once more and keep all its times."""
    zone.put("a.ndjson", lead(1))
    monkeypatch.setattr(landing_file, "_CLOCK_TICK_NS", 10**12)
    zone.ingest()
    assert zone.rows("select * from raw.landing_paths") == []
    hashed: list[str] = []
    sha256 = LandingFile.sha256

    def watched(file: LandingFile) -> str:
        hashed.append(file.name)
        return sha256(file)

    monkeypatch.setattr(LandingFile, "sha256", watched)
    zone.ingest()
    assert set(hashed) == {"a.ndjson"}


@pytest.mark.parametrize("has_same_times", [False, True])
def test_bytes_that_are_swapped_while_a_file_is_read_are_noticed(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, has_same_times: bool
) -> None:
    """The file has its name, size and time again when it has been read, but other bytes."""
    path = zone.put("a.ndjson", lead(1))
    before = path.stat()

    def swapping(file: LandingFile, _: object) -> Iterator[Chunk]:
        zone.put("a.ndjson", lead(2))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        yield from read_lines(file)

    if has_same_times:
        monkeypatch.setattr(landing_file, "_CLOCK_TICK_NS", 10**12)
        monkeypatch.setattr(LandingFile, "is_unchanged", lambda _: True)
    with monkeypatch.context() as context:
        context.setattr(ingest_module, "read_file", swapping)
        report = zone.ingest()
    assert (report.files, report.still_written) == (0, ["a.ndjson"])
    assert zone.versions() == []
    assert zone.ingest().files == 1
    assert zone.versions() == [(1, 1, 2)]


def test_a_file_that_vanishes_or_may_not_be_opened(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.put("a.ndjson", lead(1))
    gone = zone.put("b.ndjson", lead(2))
    zone.put("c.ndjson", lead(3))
    files, _ = find_files(zone.folder)
    gone.unlink()
    sha256 = LandingFile.sha256

    def locked(file: LandingFile) -> str:
        if file.name == "a.ndjson":
            raise PermissionError(13, "Permission denied", file.name)
        return sha256(file)

    monkeypatch.setattr(LandingFile, "sha256", locked)
    report = ingest(zone.con, files, PROCEDURES, started_at=NOW)
    assert report.unopened == ["a.ndjson: it cannot be opened: Permission denied"]
    assert report.still_written == ["b.ndjson"]
    assert zone.versions() == [(1, 1, 3)]


def test_a_crash_leaves_whole_files_only(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    zone.put("a.ndjson", lead(1))
    zone.put("b.ndjson", lead(2), b"bad\n")
    zone.put("c.ndjson", lead(3))
    add = Store.add

    def crash(store: Store, validated: ValidatedChunk) -> None:
        add(store, validated)
        if validated.rejected.height:
            raise MemoryError

    monkeypatch.setattr(Store, "add", crash)
    with pytest.raises(MemoryError):
        zone.ingest()
    monkeypatch.undo()
    assert zone.ledger() == [("a.ndjson", 1, 1, 0, 0, 0)]
    assert (len(zone.versions()), zone.rows("from raw.quarantine")) == (1, [])
    assert zone.ingest().counts.lines == 3
    assert zone.versions() == [(1, 1, 1), (2, 1, 2), (3, 1, 3)]


def test_a_miscount_is_not_committed(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    zone.put("a.ndjson", lead(1), lead(2))
    monkeypatch.setattr(Store, "_insert_versions", lambda *_: None)
    with pytest.raises(CorruptWarehouse, match=r"a\.ndjson: the ledger says"):
        zone.ingest()
    assert zone.ledger() == []


def test_progress_adds_up_to_the_bytes_of_all_files(zone: Zone) -> None:
    paths = [zone.put(f"{n}.ndjson", *(lead(n * 100 + m) for m in range(50))) for n in range(3)]
    told: list[int] = []
    zone.ingest(progress=told.append)
    zone.ingest(progress=told.append)
    assert sum(told) == 2 * sum(path.stat().st_size for path in paths)
    assert min(told) >= 0


def test_names_are_not_patterns(zone: Zone) -> None:
    for name in ("a[1].parquet", "a1.parquet", "a*.parquet"):
        query = f"select '{name}' as id, 1 as line"
        zone.con.execute(f"copy ({query}) to '{zone.folder}/{name}' (format parquet)")
    zone.ingest()
    assert zone.rows("select process_id from raw.quarantine order by all") == [
        ("a*.parquet",),
        ("a1.parquet",),
        ("a[1].parquet",),
    ]


_versions = st.tuples(
    st.integers(1, 3),
    st.sampled_from((START, START + 1)),
    st.sampled_from(("OPEN", "CANCELLED", "GONE")),
)


@pytest.mark.nightly
@given(st.lists(_versions, max_size=9), st.integers(1, 8), st.integers(1, 2000))
@settings(max_examples=12, deadline=None)
def test_neither_chunks_nor_files_change_what_is_kept(
    tmp_path_factory: pytest.TempPathFactory,
    versions: list[tuple[int, int, str]],
    cut: int,
    chunk_bytes: int,
) -> None:
    lines = [lead(n, updatedAt=at, status=status) for n, at, status in versions]
    query = (
        "select process_id, updated_at, status from raw.process_versions "
        "order by updated_at, ingest_seq"
    )
    kept: list[list[tuple[Any, ...]]] = []
    for parts in ([lines], [lines[:cut], lines[cut:]]):
        zone = Zone(tmp_path_factory.mktemp("zone"))
        for number, part in enumerate(parts):
            zone.put(f"{number}.ndjson", *part)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ingest_module, "read_file", lambda file, _: read_lines(file, chunk_bytes))
            zone.ingest()
        kept.append(zone.rows(query))
        zone.con.close()
    assert kept[0] == kept[1]
    accepted = [v for v in dict.fromkeys(versions) if v[2] != "GONE"]
    assert len(kept[0]) == len(accepted)


def test_replay_is_as_if_the_definition_had_been_there(zone: Zone, tmp_path: Path) -> None:
    tie = lead(1, status="CANCELLED")
    zone.put("a.ndjson", lead(1), b"bad\n", lead(1), lead(2), b"\xff\n")
    zone.put("b.ndjson", tie, lead(3))
    zone.ingest(NO_LEAD)
    assert zone.versions() == []
    zone.put("c.ndjson", lead(1), lead(2, score=1), lead(4))
    zone.ingest()
    assert zone.versions() == [(3, 1, 1), (3, 2, 2), (3, 3, 4)]
    assert [(q.rule, q.procedure, q.lines, q.examples[:2]) for q in list_quarantine(zone.con)] == [
        ("core:procedure_id:isin", LEAD.id, 5, ["a.ndjson:1", "a.ndjson:3"]),
        ("file:json:parse", None, 1, ["a.ndjson:2"]),
        ("file:line:utf8", None, 1, ["a.ndjson:5"]),
    ]
    report = replay(zone.con, PROCEDURES, started_at=NOW)
    assert (report.lines, report.counts.accepted, report.counts.quarantined) == (6, 4, -5)
    fresh = Zone(tmp_path)
    fresh.ingest()
    # The versions of c.ndjson that had come before are now the duplicates.
    assert zone.versions() == fresh.versions()
    assert zone.versions() == [(1, 1, 1), (1, 4, 2), (2, 1, 1), (2, 2, 3), (3, 3, 4)]
    assert zone.ledger() == fresh.ledger()
    batches = "select distinct batch_seq from raw.process_versions where file_of(ingest_seq) < 3"
    assert zone.rows(batches) == [(3,)]
    everything = "select * exclude batch_seq from raw.{} order by all"
    for table in ("process_versions", "violations"):
        assert zone.rows(everything.format(table)) == fresh.rows(everything.format(table))
    again = replay(zone.con, PROCEDURES, started_at=NOW)
    assert (again.lines, again.counts.accepted) == (1, 0)
    fresh.con.close()


def test_replay_refreshes_the_rules_of_lines_that_stay(zone: Zone) -> None:
    zone.put("a.ndjson", lead(1, status="GONE"), lead(2, state="PARKED"))
    zone.ingest(NO_LEAD)
    report = replay(zone.con, PROCEDURES, started_at=NOW)
    assert str(report).startswith("2 lines put through again: 0 accepted, 0 duplicates, 2 still")
    assert zone.rows("select line, rules from raw.quarantine order by line") == [
        (1, ["core:status:isin"]),
        (2, ["core:state_key:isin"]),
    ]
    assert zone.ledger() == [("a.ndjson", 2, 0, 0, 2, 0)]
