"""Every kind of landing file and every kind of bad line: what is taken in, and where the rest goes."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.ingest.files import IngestReport, ingest
from pipelines.ingest.landing import find_files
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.warehouse.open import open_warehouse
from schemas.load import load_procedures

NOW = datetime(2026, 6, 1, tzinfo=UTC)
START = 1_760_000_000_000
LEAD = "8ab071db-3aeb-542a-9132-acadf89bff70"
NAME_ID = "f0fa032b-8d1c-52cf-967e-5c10b6e3a94c"
SOURCE_ID = "5848a9e9-63b2-5cb8-a41c-8317d4f767a1"
PROCEDURES = load_procedures(PROCEDURES_FOLDER)
NO_LEDGER = "select rules[1], line from raw.quarantine order by file_seq, line, rules"


def record(number: int, **changes: object) -> dict[str, object]:
    return {
        "id": process(number),
        "team": LEAD,
        "procedure": LEAD,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START,
        "updatedAt": START,
        "data": {"full_name": f"Person {number}", "source": "Event"},
        **changes,
    }


def process(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def line(number: int, **changes: object) -> bytes:
    return json.dumps(record(number, **changes)).encode()


class Landed:
    """A landing folder and what an ingest made of it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data=folder / "data", landing=folder / "landing")
        self.settings.landing.mkdir(parents=True)

    def put(self, name: str, content: bytes) -> None:
        (self.settings.landing / name).write_bytes(content)

    def ingest(self) -> IngestReport:
        with open_warehouse(self.settings, purpose="a test") as con:
            files, _ = find_files(self.settings.landing)
            return ingest(con, files, PROCEDURES, started_at=NOW)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(self.settings.warehouse, read_only=True) as con:
            return con.execute(query).fetchall()

    def accepted(self) -> list[int]:
        query = "select right(process_id::varchar, 6)::int from raw.process_versions order by all"
        return [number for (number,) in self.rows(query)]  # pyright: ignore[reportReturnType]


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(tmp_path)


def pretty(*records: dict[str, object]) -> bytes:
    return json.dumps(list(records), indent=2).encode()


def parquet(folder: Path) -> bytes:
    path = folder / "made.parquet"
    duckdb.execute(
        f"""
        copy (
            select '{process(91)}' as id, '{LEAD}' as team, '{LEAD}' as procedure,
                'OPEN' as status, 'NEW' as state, epoch_ms({START}) as "createdAt",
                epoch_ms({START})::timestamptz as "updatedAt",
                {{'full_name': 'Person 91', 'source': 'Event'}} as data
            union all by name
            select '{process(92)}' as id, '{LEAD}' as team, '{LEAD}' as procedure,
                'OPEN' as status, 'NEW' as state, epoch_ms({START}) as "createdAt",
                epoch_ms({START})::timestamptz as "updatedAt", null as data
        ) to '{path}' (format parquet)
        """
    )
    return path.read_bytes()


def test_every_format_is_taken_in(landed: Landed, tmp_path: Path) -> None:
    half = zstandard.compress(line(8) + b"\n"), zstandard.compress(line(9) + b"\n")
    landed.put("a.ndjson", line(1) + b"\n" + line(2))
    landed.put("b.jsonl", b"\xef\xbb\xbf" + line(3) + b"\r\n")
    landed.put("c.json", pretty(record(4), record(5)))
    landed.put(
        "d.json", json.dumps({"_meta": {"n": 1}, "_data": [record(6)], "_errors": []}).encode()
    )
    landed.put("e.json", json.dumps(record(7), indent=1).encode() + b"\n" + line(71))
    landed.put("f.ndjson.zst", b"".join(half))
    landed.put("g.json.gz", gzip.compress(pretty(record(10))))
    landed.put("h.ndjson.gz", gzip.compress(line(11) + b"\n") + gzip.compress(line(12) + b"\n"))
    landed.put("i.parquet", parquet(tmp_path))
    landed.put("notes.txt", b"not ours")
    landed.put("j.ndjson.part", line(13))
    landed.put(".k.ndjson", line(14))
    report = landed.ingest()
    assert (report.files, report.unreadable, report.counts.quarantined) == (9, [], 0)
    assert landed.accepted() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 71, 91, 92]
    query = "select distinct created_at = updated_at, updated_at from raw.process_versions"
    assert landed.rows(query) == [(True, datetime(2025, 10, 9, 8, 53, 20))]


def test_parquet_columns_without_any_value_may_have_no_type(landed: Landed, tmp_path: Path) -> None:
    data = {"full_name": "Person 1", "budget": None, "interests": [], "plan": {"x": [None]}}
    frame = pl.DataFrame([record(1) | {"record": None, "data": data}])
    assert frame.schema["record"] == pl.Null
    frame.write_parquet(tmp_path / "made.parquet")
    landed.put("a.parquet", (tmp_path / "made.parquet").read_bytes())
    assert landed.ingest().unreadable == []
    assert landed.rows("select data->>'full_name' from raw.process_versions") == [("Person 1",)]


def test_files_that_cannot_be_read_are_one_line_of_quarantine(landed: Landed) -> None:
    whole = zstandard.compress(b"\n".join(line(n) for n in range(200)))
    landed.put("a.ndjson.zst", whole[: len(whole) // 2])
    landed.put("b.ndjson.gz", gzip.compress(line(1))[:-6])
    landed.put("c.parquet", b"PAR1 is not enough")
    landed.put("d.json", b'{"_data": null, "_errors": ["no"]}')
    landed.put("e.ndjson.gz", b"")
    landed.put("f.ndjson", line(5))
    report = landed.ingest()
    assert landed.accepted() == [5]
    assert landed.rows("select file_seq, rules, line from raw.quarantine order by all") == [
        (n, ["file:unreadable"], None) for n in range(1, 5)
    ]
    assert len(report.unreadable) == 4
    query = "select lines, accepted, quarantined, status from raw.ingest_files order by file_seq"
    unreadable = (1, 0, 1, "unreadable")
    assert landed.rows(query)[:4] == [unreadable] * 4
    assert landed.rows(query)[4:] == [(0, 0, 0, "ingested"), (1, 1, 0, "ingested")]


BAD = {
    "not JSON": (b"{nope}", "file:json:parse"),
    "truncated": (line(1)[:-20], "file:json:parse"),
    "UTF-8": (b'{"id": "\xff"}', "file:line:utf8"),
    "number": (b"146", "file:json:object"),
    "array": (b"[" + line(3) + b"]", "file:json:object"),
    "two objects": (line(4) + line(5), "file:json:parse"),
    "repeated key": (b'{"id": "x", ' + line(6)[1:], "file:json:repeated"),
    "repeated in data": (
        line(7).replace(b'{"full', b'{"source":"Event","full'),
        "file:json:repeated",
    ),
    "NaN": (line(8).replace(b'"Person 8"', b"NaN"), "file:json:number"),
    "Infinity": (line(9).replace(b'"Person 9"', b"[-Infinity]"), "file:json:number"),
    "no id": (line(10, id=None), "core:process_id:required"),
    "bad id": (line(11, id="42"), "core:process_id:uuid"),
    "procedure": (line(12, procedure=process(5)), "core:procedure_id:isin"),
    "state": (line(13, state="GONE"), "core:state_key:isin"),
    "status": (line(14, status="PAUSED"), "core:status:isin"),
    "time as text": (line(15, updatedAt=str(START)), "core:updated_at:type"),
    "time in seconds": (line(16, updatedAt=START // 1000), "core:updated_at:range"),
    "time to come": (
        line(17, updatedAt=int(NOW.timestamp() * 1000) + 90_000_000),
        "core:updated_at:range",
    ),
    "data as text": (line(18, data="{}"), "core:data:type"),
    "deleted as text": (line(19, isDeleted="true"), "core:is_deleted:type"),
}


def test_bad_lines_never_take_their_neighbours_with_them(landed: Landed) -> None:
    good = [line(100 + n) for n in range(len(BAD) + 1)]
    lines = [good[0]]
    for neighbour, (text, _) in zip(good[1:], BAD.values(), strict=True):
        lines += [text, b"", neighbour]
    landed.put("mixed.ndjson", b"\n".join(lines) + b"\n")
    # Each bad line alone as well: what it is found to be must not depend on the others.
    for number, (text, _) in enumerate(BAD.values()):
        landed.put(f"only-{number:02}.ndjson", text + b"\n")
    report = landed.ingest()
    assert report.counts.blank == len(BAD)
    assert landed.accepted() == [100 + n for n in range(len(BAD) + 1)]
    found = landed.rows(NO_LEDGER)
    expected = [rule for _, rule in BAD.values()]
    assert found[: len(BAD)] == [(rule, 2 + 3 * n) for n, rule in enumerate(expected)]
    assert found[len(BAD) :] == [(rule, 1) for rule in expected]


def test_long_lines(landed: Landed) -> None:
    long = line(1, data={"full_name": "x" * 20_000_000, "source": "Event"})
    too_long = line(2, data={"full_name": "x" * 34_000_000, "source": "Event"})
    landed.put("long.ndjson", b"\n".join([line(3), long, line(4), too_long, line(5)]) + b"\n")
    landed.ingest()
    assert landed.accepted() == [1, 3, 4, 5]
    assert landed.rows(NO_LEDGER) == [("file:line:length", 4)]


def test_what_is_nulled_and_flagged(landed: Landed) -> None:
    changed = {
        "full_name": "Ann",
        "source": "Elsewhere",
        "email": "ann at home",
        "score": "146",
        "budget": "a lot",
        "shoe_size": 41,
    }
    landed.put(
        "dirty.ndjson",
        line(
            1, data=changed, assignedTo="me", completedAt=1, status="COMPLETED", updatedAt=START - 5
        )
        + b"\n"
        + line(
            2, data={"full_name": "", SOURCE_ID: "Event"}, nextActionAt=START * 2, completedAt=0
        ),
    )
    landed.ingest()
    assert landed.accepted() == [1, 2]
    assert landed.rows(
        "select ingest_seq % 100, rule, severity, column_name, value from raw.violations order by all"
    ) == [
        (1, "attr:*:declared", "flag", "shoe_size", "***"),
        (1, "attr:budget:type", "null", "budget", '"a lot"'),
        (1, "attr:email:type", "null", "email", "***"),
        (1, "attr:score:as_text", "flag", "score", '"146"'),
        (1, "attr:source:isin", "null", "source", '"Elsewhere"'),
        (1, "core:assigned_to:uuid", "null", "assignedTo", "***"),
        (1, "core:completed_at:range", "null", "completedAt", "1"),
        (1, "core:state_key:completed", "flag", "state", "eacef416-21fd-5f37-afbd-cdffbcb7d97b"),
        (1, "core:updated_at:order", "flag", "updatedAt", str(START - 5)),
        (2, "attr:full_name:required", "flag", "full_name", None),
    ]
    query = "select assigned_to, completed_at, next_action_at is null from raw.process_versions order by ingest_seq"
    assert landed.rows(query) == [(None, None, True), (None, None, False)]


def test_duplicates_are_counted_once_in_any_key_convention(landed: Landed) -> None:
    by_id = {NAME_ID: "Person 1", SOURCE_ID: "Event"}
    landed.put("a.ndjson", b"\n".join([line(1), line(1), line(1, status="COMPLETED")]))
    landed.put("b.ndjson", b"\n".join([line(1, data=by_id), line(1, updatedAt=START + 1)]))
    report = landed.ingest()
    assert (report.counts.accepted, report.counts.duplicates) == (3, 2)
    kept = "select ingest_seq // 10000000000, ingest_seq % 100, status from raw.process_versions"
    assert landed.rows(f"{kept} order by ingest_seq") == [
        (1, 1, "OPEN"),
        (1, 3, "COMPLETED"),
        (2, 2, "OPEN"),
    ]


def test_a_file_is_known_by_its_bytes(landed: Landed) -> None:
    landed.put("a.ndjson", line(1))
    assert landed.ingest().files == 1
    landed.put("b.ndjson", line(1))
    report = landed.ingest()
    assert (report.files, report.seen_before) == (0, 2)
    landed.put("a.ndjson", line(2))
    report = landed.ingest()
    assert (report.files, report.seen_before) == (1, 1)
    assert landed.accepted() == [1, 2]


def test_a_file_that_changes_is_left_for_the_next_run(
    landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed.put("a.ndjson", line(1) + b"\n")
    landed.put("b.ndjson", line(2) + b"\n")
    path = landed.settings.landing / "a.ndjson"
    files, _ = find_files(landed.settings.landing)
    with path.open("ab") as file:
        file.write(line(3) + b"\n")
    os.utime(path, ns=(0, 0))
    with open_warehouse(landed.settings, purpose="a test") as con:
        report = ingest(con, files, PROCEDURES, started_at=NOW)
    assert (report.files, report.still_written) == (1, ["a.ndjson"])
    assert landed.accepted() == [2]
    landed.ingest()
    assert landed.accepted() == [1, 2, 3]


_contents = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [line(1), line(2), b"", b"{}", b"null", b'{"id":', b"\xef\xbb\xbf{}", b"\r"]
        ),
        st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists).map(
            lambda value: json.dumps(record(3, data={"score": value, "utm": value})).encode()
        ),
    ),
    max_size=8,
).map(b"\n".join)


@pytest.mark.nightly
@given(
    files=st.lists(
        st.tuples(
            st.sampled_from((".ndjson", ".json", ".ndjson.gz", ".json.zst", ".parquet")), _contents
        ),
        min_size=5,
        max_size=12,
    ),
    wrap=st.sampled_from(
        (bytes, lambda text: b"[" + text + b"]", lambda text: b'{"_data":[' + text)
    ),
)
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_any_bytes_keep_the_identity(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[str, bytes]],
    wrap: Callable[[bytes], bytes],
) -> None:
    landed = Landed(tmp_path_factory.mktemp("any"))
    for number, (suffix, content) in enumerate(files):
        body = wrap(content) if ".json" in suffix else content
        if number % 2 and suffix.endswith(".gz"):
            body = gzip.compress(body)
        elif number % 2 and suffix.endswith(".zst"):
            body = zstandard.compress(body)
        landed.put(f"{number:02}{suffix}", body)
    report = landed.ingest()
    counts = report.counts
    assert counts.lines == (counts.accepted + counts.duplicates + counts.quarantined + counts.blank)
    assert landed.rows("select count(*) from raw.process_versions") == [(counts.accepted,)]
    assert landed.rows("select count(*) from raw.quarantine") == [(counts.quarantined,)]
