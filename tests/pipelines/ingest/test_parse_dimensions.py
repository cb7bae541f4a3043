"""Files of users, pods, teams, entities and records: how they are taken in, and what they name."""

import gzip
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import zstandard
from hypothesis import Phase, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from rich.console import Console

from pipelines.cli.status import show_status
from pipelines.defs.metadata import describe_ingest
from pipelines.ingest.landing import find_files
from pipelines.ingest.ledger import Counts
from pipelines.ingest.quarantine import list_quarantine, replay
from pipelines.ingest.raw_writer import Store
from pipelines.ingest.validate_chunks import ValidatedChunk
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from schemas.errors import CorruptWarehouse, OperationError
from tests.support.dimension_files import ANN, BOB, EVE, row
from tests.support.landing_zone import NOW, PROCEDURES, Zone, lead


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    zone = Zone(tmp_path)
    yield zone
    zone.con.close()


# Finding and validating


def test_only_the_bare_name_of_a_dimension_says_what_a_file_holds(tmp_path: Path) -> None:
    names = {
        "users.ndjson": "users",
        "deep/er/pods.jsonl": "pods",
        "teams.ndjson.gz": "teams",
        "entities.jsonl.zst": "entities",
        "records.NDJSON": "records",
        "users-2.ndjson": "processes",
        "users.2.ndjson": "processes",
        "my-users.ndjson": "processes",
        "users.json": "processes",
        "users.parquet": "processes",
        "users/leads.ndjson": "processes",
    }
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"")
    files, _ = find_files(tmp_path)
    assert {file.name: file.content for file in files} == names


def test_good_lines_are_stored_as_they_came(zone: Zone) -> None:
    text = (
        b'{"id": "00000000-0000-4000-8000-00000000000A",  "name": "Ann \\u00e9", "n": [1.10, {}]}'
    )
    zone.put("users.ndjson", b"\xef\xbb\xbf" + text + b"\r\n", row(BOB), row(EVE, "  ", a=None))
    report = zone.ingest()
    assert report.counts == Counts(lines=3, accepted=3)
    assert report.dimension_rows == 3
    assert zone.stored() == [
        ("users", 1, 1, "a", "Ann é"),
        ("users", 1, 2, "b", None),
        ("users", 1, 3, "e", None),
    ]
    assert zone.rows("select data::varchar from raw.dimension_rows order by ingest_seq")[0] == (
        text.decode(),
    )


BAD_LINES = {
    b"not JSON": ["file:json:parse"],
    b'["users"]': ["file:json:object"],
    b"null": ["file:json:object"],
    b'{"id": "\xff"}': ["file:line:utf8"],
    b'{"name": "\\ud800"}': ["dimension:id:required"],  # half a character is replaced
    b'{"name": "Ann"}': ["dimension:id:required"],
    b'{"id": null}': ["dimension:id:required"],
    b'{"id": ""}': ["dimension:id:type"],
    b'{"id": 7}': ["dimension:id:type"],
    b'{"id": {"id": 7}, "name": ["Ann"]}': ["dimension:id:type", "dimension:name:type"],
    row(ANN, 7).strip(): ["dimension:name:type"],
    row(ANN, {"first": "Ann"}).strip(): ["dimension:name:type"],
    row(ANN + "0", "Ann").strip(): ["dimension:id:type"],
    b'{"id": "%s", "x": NaN}' % ANN.encode(): ["file:json:number"],
    b'{"id": "%s", "x": [ -Infinity]}' % ANN.encode(): ["file:json:number"],
    b'{"id": "%s", "x": 1, "x": 2}' % ANN.encode(): ["file:json:repeated"],
    b'{"id": "%s", "id": "%s"}' % (ANN.encode(), BOB.encode()): ["file:json:repeated"],
    b'{"id": "%s", "data": {"x": 1, "x": 2}}' % ANN.encode(): ["file:json:repeated"],
}


def test_bad_lines_are_quarantined_with_every_rule_they_break(zone: Zone) -> None:
    good = row(BOB, "Nan: -inf, Infinity", data=[1])
    zone.put("users.ndjson", good, b"\n \n", b"\n".join(BAD_LINES))
    zone.ingest()
    found = zone.rows("select rules, process_id, procedure from raw.quarantine order by line")
    assert found == [(rules, None, None) for rules in BAD_LINES.values()]
    assert zone.rows("select line from raw.quarantine order by line limit 2") == [(4,), (5,)]
    n_bad = len(BAD_LINES)
    assert zone.ledger("content") == [("users.ndjson", "users", n_bad + 3, 1, 0, n_bad, 2)]
    assert zone.stored() == [("users", 1, 1, "b", "Nan: -inf, Infinity")]


def test_the_quarantine_names_rules_and_places(zone: Zone) -> None:
    zone.put("pods.ndjson", row("x", "Ann"), row(ANN, 7))
    zone.ingest()
    listed = {q.rule: (q.sentence, q.procedure, q.examples) for q in list_quarantine(zone.con)}
    assert listed == {
        "dimension:id:type": ("`id` is a uuid.", None, ["pods.ndjson:1"]),
        "dimension:name:type": ("`name` is text, where there is one.", None, ["pods.ndjson:2"]),
    }


def test_replay_leaves_the_lines_of_dimensions(zone: Zone) -> None:
    zone.put("a.ndjson", lead(1, status="GONE"))
    zone.put("users.ndjson", row("x", "Ann"), row(ANN, "Ann"), b"bad\n")
    zone.ingest()
    before = zone.rows("from raw.quarantine order by ingest_seq")
    report = replay(zone.con, PROCEDURES, started_at=NOW)
    assert (report.lines, report.counts.accepted) == (1, 0)
    assert zone.rows("from raw.quarantine order by ingest_seq") == before
    assert zone.ledger("content")[1] == ("users.ndjson", "users", 3, 1, 0, 2, 0)


def test_a_broken_dimension_file_does_not_stop_processes(zone: Zone) -> None:
    whole = gzip.compress(row(ANN, "Ann") * 1000, mtime=0)
    zone.put("pods.ndjson.gz", whole[: len(whole) // 2])
    zone.put("teams.ndjson", b"\x00\xff\xfe garbage")
    zone.put("zleads.ndjson", lead(1), lead(2))
    report = zone.ingest()
    assert report.files == 3
    assert [problem.partition(":")[0] for problem in report.unreadable] == ["pods.ndjson.gz"]
    assert zone.ledger("content") == [
        ("pods.ndjson.gz", "pods", 1, 0, 0, 1, 0),
        ("teams.ndjson", "teams", 1, 0, 0, 1, 0),
        ("zleads.ndjson", "processes", 2, 2, 0, 0, 0),
    ]
    assert zone.stored() == []


def test_compressed_files_are_read(zone: Zone) -> None:
    zone.put("users.ndjson.gz", gzip.compress(row(ANN, "Ann"), mtime=0))
    zone.put("pods.jsonl.zst", zstandard.compress(row(BOB, "East")))
    zone.ingest()
    assert zone.stored() == [("pods", 1, 1, "b", "East"), ("users", 2, 1, "a", "Ann")]
    formats = zone.rows("select format from raw.ingest_files order by file_seq")
    assert formats == [("ndjson.zst",), ("ndjson.gz",)]


# Files, duplicates, crashes


def test_a_file_is_known_by_its_bytes_and_what_it_holds(zone: Zone) -> None:
    zone.put("a/users.ndjson", row(ANN, "Ann"))
    zone.put("b/users.jsonl", row(ANN, "Ann"))
    zone.put("export.ndjson", row(ANN, "Ann"))
    report = zone.ingest()
    assert (report.files, report.seen_before) == (2, 1)
    # The same bytes under a name that says what they are: what was rejected is taken in.
    zone.put("pods.ndjson", row(ANN, "Ann"))
    assert zone.ingest().files == 1
    assert zone.ledger("content") == [
        ("a/users.ndjson", "users", 1, 1, 0, 0, 0),
        ("export.ndjson", "processes", 1, 0, 0, 1, 0),
        ("pods.ndjson", "pods", 1, 1, 0, 0, 0),
    ]
    assert zone.ingest().seen_before == 4


def test_only_what_repeats_the_row_before_is_a_duplicate(zone: Zone) -> None:
    zone.put("users.ndjson", row(ANN, "Ann"), row(BOB, "Bob"), row(ANN, "Ann"))
    zone.ingest()
    zone.put("users.ndjson", row(ANN, "Ann"), row(BOB, "Bobby"))
    zone.ingest()
    # Bob is called Bob again: that is news, though an old row says the same.
    zone.put("users.ndjson", row(BOB, "Bob"), row(ANN, "Ann", x=1))
    zone.ingest()
    # The same id elsewhere is somebody else.
    zone.put("pods.ndjson", row(BOB, "Bob"))
    report = zone.ingest()
    assert report.dimension_rows == 1
    assert zone.stored() == [
        ("users", 1, 1, "a", "Ann"),
        ("users", 1, 2, "b", "Bob"),
        ("users", 2, 2, "b", "Bobby"),
        ("users", 3, 1, "b", "Bob"),
        ("users", 3, 2, "a", "Ann"),
        ("pods", 4, 1, "b", "Bob"),
    ]
    assert [row[2:5] for row in zone.ledger("content")] == [
        (3, 2, 1),
        (2, 1, 1),
        (2, 2, 0),
        (1, 1, 0),
    ]


def test_a_crash_leaves_whole_files_only(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    zone.put("pods.ndjson", row(ANN, "East"))
    zone.put("users.ndjson", row(BOB, "Bob"), b"bad\n")
    add = Store.add

    def crash(store: Store, validated: ValidatedChunk) -> None:
        add(store, validated)
        if validated.rejected.height:
            raise MemoryError

    monkeypatch.setattr(Store, "add", crash)
    with pytest.raises(MemoryError):
        zone.ingest()
    monkeypatch.undo()
    assert zone.ledger("content") == [("pods.ndjson", "pods", 1, 1, 0, 0, 0)]
    assert (len(zone.stored()), zone.rows("from raw.quarantine")) == (1, [])
    assert zone.ingest().counts == Counts(lines=2, accepted=1, quarantined=1)
    assert zone.stored() == [("pods", 1, 1, "a", "East"), ("users", 2, 1, "b", "Bob")]


def test_a_miscount_is_not_committed_and_names_nobody(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.put("users.ndjson", row(ANN, "Ann Onymous"))
    monkeypatch.setattr(Store, "_insert_rows", lambda *_, **__: None)
    with pytest.raises(CorruptWarehouse, match=r"users\.ndjson: the ledger says") as caught:
        zone.ingest()
    assert "Onymous" not in str(caught.value)
    assert zone.ledger("content") == []


_lines = st.one_of(
    st.builds(
        row,
        st.sampled_from((ANN, BOB, ANN.upper(), "x")),
        st.sampled_from((None, "", "Ann", "Bob", 7)),
    ),
    st.sampled_from((b"\n", b"{}\n", b"null\n", b"\xff\n", b"{\n")),
    st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"") + b"\n"),
)


@pytest.mark.nightly
@given(st.lists(st.lists(_lines, max_size=6), min_size=1, max_size=3))
@example_settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
def test_every_line_is_accounted_for_and_the_last_one_counts(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[bytes]]
) -> None:
    zone = Zone(tmp_path_factory.mktemp("zone"))
    expected: dict[str, str | None] = {}
    seen: set[bytes] = set()
    for lines in files:
        zone.put("users.ndjson", *lines)
        zone.ingest()
        if b"".join(lines) in seen:
            continue
        seen.add(b"".join(lines))
        expected |= dict(filter(None, map(_plainly, lines)))
    for _, _, lines_, accepted, duplicates, quarantined, blank in zone.ledger("content"):
        assert lines_ == accepted + duplicates + quarantined + blank
    found = zone.rows(
        "select id::varchar, arg_max_null(name, ingest_seq) from raw.dimension_rows group by all"
    )
    zone.con.close()
    assert dict(found) == expected


def _plainly(line: bytes) -> tuple[str, str | None] | None:
    """What a line says about whom; None for a bad one."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict) or value.get("id", "").lower() not in (ANN, BOB):
        return None
    name = value.get("name")
    return None if isinstance(name, int) else (value["id"].lower(), name or None)


def test_warehouses_from_before_go_on_working(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    settings.landing.mkdir()
    (settings.landing / "a.ndjson").write_bytes(lead(1))
    with open_run(settings, Request(), purpose="a test") as run:
        run.ingest()
        run.con.execute("alter table raw.ingest_files drop content")
        run.con.execute("drop table raw.dimension_rows")
        run.con.execute("drop table raw.schema_version")
    with pytest.raises(OperationError, match="Migrate it with `leadtime run`"):
        status(settings)
    (settings.landing / "users.ndjson").write_bytes(row(ANN, "Ann"))
    with open_run(settings, Request(), purpose="a test") as run:
        assert (run.ingest().files, run.ingest().seen_before) == (1, 2)
        contents = run.con.execute("select content from raw.ingest_files order by file_seq")
        assert contents.fetchall() == [("processes",), ("users",)]
    assert "Contents    1 of processes, 1 of users" in status(settings)


def status(settings: Settings) -> str:
    console = Console(file=StringIO(), width=200)
    show_status(console, settings)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_metadata_counts_rows_apart_from_versions_and_names_nobody(zone: Zone) -> None:
    zone.put("a.ndjson", lead(1))
    zone.put("users.ndjson", row(ANN, "Ann Onymous"), row(BOB, "Bob"))
    about = describe_ingest(zone.ingest(), zone.con)
    assert about["process_versions"]["new_versions"] == 1
    assert about["dimension_rows"] == {"dagster/row_count": 2, "new_rows": 2}
    assert "Onymous" not in str(about)
