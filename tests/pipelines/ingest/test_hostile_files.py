"""Landing files that say what they are not, lead elsewhere, or hold more than they look like."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.ingest.landing import find_files
from pipelines.ingest.landing_file import UnreadableFile
from pipelines.ingest.quarantine import list_quarantine, replay
from pipelines.ingest.read_parquet import read_rows
from tests.support.landing_zone import NOW, PROCEDURES, Zone, lead

SECRET = b"PASSWORD=hunter2\n"


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path / "landing")


def parquet(zone: Zone, name: str, query: str) -> Path:
    path = zone.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet, compression zstd)")
    return path


def lines(zone: Zone) -> list[str]:
    ((file,), _) = find_files(zone.folder)
    chunks = list(read_rows(file, zone.con))
    return b"".join(chunk.body for chunk in chunks).decode().splitlines()


def refusal(zone: Zone) -> str:
    with pytest.raises(UnreadableFile) as refused:
        lines(zone)
    return str(refused.value)


def test_links_are_left_alone(zone: Zone, tmp_path: Path) -> None:
    zone.put("a.ndjson", lead(1))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.ndjson").write_bytes(SECRET)
    (zone.folder / "folder").symlink_to(tmp_path / "elsewhere")
    (zone.folder / "b.ndjson").symlink_to(tmp_path / "elsewhere" / "b.ndjson")
    (zone.folder / "environment.ndjson").symlink_to("/proc/self/environ")
    (zone.folder / "same.ndjson").symlink_to("a.ndjson")
    os.mkfifo(zone.folder / "pipe.ndjson")
    files, others = find_files(zone.folder)
    assert [file.name for file in files] == ["a.ndjson"]
    names = ["b.ndjson", "environment.ndjson", "folder", "same.ndjson"]
    assert others == [f"{name} (a link)" for name in names]
    zone.ingest()
    assert zone.rows("select count(*) from raw.quarantine") == [(0,)]


@pytest.mark.parametrize("swapped", ["2026/a.ndjson", "2026"])
def test_what_becomes_a_link_after_it_was_found_is_not_followed(
    zone: Zone, tmp_path: Path, swapped: str
) -> None:
    path = zone.put("2026/a.ndjson", SECRET)
    ((file,), _) = find_files(zone.folder)
    moved = tmp_path / "moved"
    (zone.folder / swapped).rename(moved)
    (zone.folder / swapped).symlink_to(moved)
    assert path.read_bytes() == SECRET
    with pytest.raises(FileNotFoundError):
        file.open()
    with pytest.raises(FileNotFoundError):
        file.sha256()


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(zone: Zone) -> None:
    path = zone.put("a.ndjson", lead(1))
    ((file,), _) = find_files(zone.folder)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileNotFoundError):
        file.open()


def test_folders_give_parquet_no_columns(zone: Zone) -> None:
    parquet(zone, "state=DONE/status=CANCELLED/a.parquet", "select 1 as id, 'NEW' as state")
    assert lines(zone) == ['{"id":1,"state":"NEW"}']


def test_a_pattern_in_a_name_is_no_pattern(zone: Zone) -> None:
    parquet(zone, "a[1].parquet", "select 1 as id")
    (zone.folder / "b").mkdir()
    parquet(zone, "b/x.csv", "select 2 as id")
    assert lines(zone) == ['{"id":1}']


def test_every_name_and_type_of_a_column_is_read(zone: Zone) -> None:
    instant = "'2024-01-02 03:04:05.123'"
    kinds = ["timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns", "timestamp_ms"]
    parquet(
        zone,
        "a.parquet",
        'select 1 as "größe", 2 as "say ""hi""", 3 as "a\\b", 4 as "tab\t",'
        + ", ".join(f"{instant}::{kind} as {kind}" for kind in kinds)
        + ", 'infinity'::timestamptz as never, '\\xAA'::blob as bytes, {'ä': [1]} as nested,"
        "map {'k': 'v'} as pairs, '101'::bit as bits",
    )
    times = ",".join(f'"{kind}":1704164645123' for kind in kinds)
    assert lines(zone) == [
        '{"größe":1,"say \\"hi\\"":2,"a\\\\b":3,"tab\\t":4,'
        + times
        + ',"never":null,"bytes":"\\\\xAA","nested":{"ä":[1]},"pairs":{"k":"v"},"bits":"101"}'
    ]


def test_a_long_value_in_a_small_parquet_file_is_refused(zone: Zone) -> None:
    path = parquet(zone, "a.parquet", "select repeat('x', 300_000_000) as id")
    assert path.stat().st_size < 100_000
    assert "take more than" in refusal(zone)


def test_many_rows_in_a_small_parquet_file_are_refused(zone: Zone) -> None:
    path = parquet(zone, "a.parquet", "select 'same' as id from range(2_000_000)")
    assert path.stat().st_size < 100_000
    assert "2,000,000 rows, which a file of its size cannot have" in refusal(zone)


@pytest.mark.parametrize("value", ["v", "{'a': [v]}", "map {v: 1}", "[{'a': v}]"])
def test_a_value_that_occurs_in_many_rows_is_measured(zone: Zone, value: str) -> None:
    query = f"select {value} as data from (select repeat('x', 300_000) as v), range(2_000)"
    path = parquet(zone, "a.parquet", query)
    assert path.stat().st_size < 1_000_000
    assert "take more than" in refusal(zone)


def test_many_lines_in_a_small_text_file_are_refused(zone: Zone) -> None:
    zone.put("a.ndjson.gz", gzip.compress(b"1\n" * 500_000))
    zone.put("b.ndjson.gz", gzip.compress(b"\n" * 500_000))
    report = zone.ingest()
    assert [problem.partition(": ")[2] for problem in report.unreadable] == [
        f"it has more than {100_000 + (zone.folder / name).stat().st_size:,} lines"
        for name in ("a.ndjson.gz", "b.ndjson.gz")
    ]
    assert zone.rows("select rules from raw.quarantine") == [(["file:unreadable"],)] * 2


def test_many_rejected_lines_are_counted_and_the_first_are_kept(zone: Zone) -> None:
    unknown = lead(2, procedure="10000000-0000-4000-8000-000000000000")
    lines = [lead(1), *[b"1\n"] * 10_500, *[b"{}\n"] * 10_000, *[unknown] * 15]
    zone.put("a.ndjson", *lines, lead(3))
    zone.ingest()
    assert zone.ledger() == [("a.ndjson", 20_517, 2, 0, 20_515, 0)]
    assert zone.rows(
        "select rules[1], count(*), sum(n_lines)::int, any_value(raw_text) from raw.quarantine "
        "where rules[1] like 'file%' group by 1 order by 1"
    ) == [
        ("file:json:object", 10_000, 10_000, "1"),
        ("file:line:rejects", 1, 10_500, "10,500 further lines"),
    ]
    replayed = replay(zone.con, PROCEDURES, started_at=NOW)
    assert replayed.lines == 10_015
    by_rule = {row.rule: row.lines for row in list_quarantine(zone.con)}
    assert by_rule["file:line:rejects"] == 10_500
    assert by_rule["core:procedure_id:isin"] == 15


def test_documents_with_very_many_keys_are_rejected_and_no_others(zone: Zone) -> None:
    keys = {f"k{n}": n for n in range(2_000)}
    zone.put(
        "a.ndjson",
        lead(1, data=keys),
        lead(2, data=keys | {"one_more": 1}),
        lead(3, derivedData=keys | {"one_more": 1}),
        lead(4),
    )
    zone.ingest()
    assert [number for *_, number in zone.versions()] == [1, 4]
    assert zone.rows("select rules, line from raw.quarantine order by line") == [
        (["file:json:keys"], 2),
        (["file:json:keys"], 3),
    ]
    undeclared = zone.rows("select column_name from raw.violations where rule = 'attr:*:declared'")
    assert len(undeclared) == 101
    assert ("... and 1,900 more",) in undeclared


def test_a_document_of_many_keys_is_parsed_once(zone: Zone) -> None:
    """Parsed once per key, these lines took 15 CPU seconds."""
    keys = {f"k{n}": "x" * 50 for n in range(2_000)}
    zone.put("a.ndjson", *(lead(n, data=keys) for n in range(30)))
    before = time.process_time()
    zone.ingest()
    assert time.process_time() - before < 6


def test_a_comma_before_a_closing_bracket_is_not_json(zone: Zone) -> None:
    good = lead(1, data={"full_name": "a,} b,] \\", "source": "Event"})
    end, inner, spaced = lead(2), lead(3), lead(4)
    zone.put(
        "a.ndjson",
        good,
        end.replace(b"}\n", b",}\n"),
        inner.replace(b'"Event"}', b'"Event",}'),
        spaced.replace(b'"Event"}', b'"Event" , \t}'),
    )
    identity = b'{"id": "10000000-0000-4000-8000-000000000001", "name": "A"'
    zone.put("users.ndjson", identity + b"}\n", identity + b",}\n")
    zone.ingest()
    assert [number for *_, number in zone.versions()] == [1]
    assert zone.rows("select file_seq, line, rules[1] from raw.quarantine order by all") == [
        (1, 2, "file:json:parse"),
        (1, 3, "file:json:parse"),
        (1, 4, "file:json:parse"),
        (2, 2, "file:json:parse"),
    ]
