"""The source and the definition that are proposed for a file of another shape.

What is proposed is tested by what the conversion of sources makes of the file; one test runs.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest

from pipelines.infer.definitions import infer_definitions, write_definitions
from pipelines.infer.foreign import read_foreign
from pipelines.infer.from_foreign import Inferred
from schemas.definitions.source import Source
from schemas.errors import OperationError, SourceError
from schemas.load import load_procedures
from tests.support.command_line import leadtime
from tests.support.exports import hubspot, jira, salesforce, tickets, zendesk
from tests.support.infer_files import NOW, PROCEDURE, path_of, record, write
from tests.support.source_zone import EXAMPLES, SourceZone

Export = Callable[[Path], Path]


def inferred(path: Path) -> Inferred:
    return infer_definitions(path, now=datetime.fromtimestamp(NOW / 1000, tz=UTC))


def source_of(path: Path) -> Source:
    """The source that is proposed; what is written of it is the same."""
    result = inferred(path)
    with TemporaryDirectory() as folder:
        write_definitions(result, Path(folder))
        (source,) = load_procedures(Path(folder)).file_sources
    assert source == result.source
    return source


def taken_in(path: Path, folder: Path) -> SourceZone:
    """What a run takes in of the file by the definitions that are proposed for it."""
    write_definitions(inferred(path), folder / "defs")
    zone = SourceZone(path.parent, load_procedures(folder / "defs"))
    zone.take_in()
    return zone


def listed(path: Path, rows: list[dict[str, Any]]) -> Path:
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
    return path


# Exports of other tools. (key, state, status, hours since 2026-01-01) of each version.
DEALS = [
    ("701", "Appointment", "OPEN", 105.0),
    ("701", "Proposal", "OPEN", 274.0),
    ("701", "Closed won", "COMPLETED", 711.0),
    ("701", "Closed won", "COMPLETED", 776.0),
    ("702", "Appointment", "OPEN", 129.0),
    ("702", "Proposal", "OPEN", 370.0),
    ("702", "Closed won", "COMPLETED", 1210.0),
    ("703", "Appointment", "OPEN", 153.0),
    ("703", "Proposal", "OPEN", 467.0),
    ("703", "Closed lost", "CANCELLED", 585.5),
    ("704", "Appointment", "OPEN", 177.0),
    ("704", "Proposal", "OPEN", 444.0),
    ("705", "Appointment", "OPEN", 201.0),
]
AUDITS = [
    ("31", "new", "OPEN", 105.0),
    ("31", "open", "OPEN", 106.0),
    ("31", "solved", "COMPLETED", 156.0),
    ("32", "new", "OPEN", 107.0),
    ("32", "open", "OPEN", 131.0),
    ("32", "open", "OPEN", 132.0),
    ("33", "new", "OPEN", 128.0),
    ("33", "open", "OPEN", 176.0),
    ("33", "solved", "COMPLETED", 200.0),
    ("34", "new", "OPEN", 206.0),
]
ISSUES = [
    ("APP-1", "To Do", "OPEN", 104.0),
    ("APP-1", "In Progress", "OPEN", 129.0),
    ("APP-1", "Done", "COMPLETED", 208.0),
    ("APP-2", "To Do", "OPEN", 104.0),
    ("APP-2", "In Progress", "OPEN", 129.0),
    ("APP-2", "Done", "COMPLETED", 208.0),
    ("APP-3", "To Do", "OPEN", 104.0),
    ("APP-3", "In Progress", "OPEN", 129.0),
    ("APP-4", "To Do", "OPEN", 104.0),
]
OPPORTUNITIES = [
    ("O-1", "Prospecting", "OPEN", 105.0),
    ("O-1", "Negotiation", "OPEN", 208.5),
    ("O-1", "Closed Won", "COMPLETED", 755.0),
    ("O-2", "Prospecting", "OPEN", 130.0),
    ("O-2", "Negotiation", "OPEN", 370.0),
    ("O-3", "Prospecting", "OPEN", 154.0),
    ("O-3", "Closed Lost", "CANCELLED", 178.0),
]
# Since when T-4 has been in progress is not known: at the latest known time.
TICKETS = [
    ("T-1", "New", "OPEN", 297.08),
    ("T-1", "Closed", "COMPLETED", 322.0),
    ("T-2", "New", "OPEN", 321.0),
    ("T-2", "Closed", "COMPLETED", 466.0),
    ("T-3", "New", "OPEN", 321.5),
    ("T-3", "Rejected", "CANCELLED", 347.0),
    ("T-4", "New", "OPEN", 344.0),
    ("T-4", "In Progress", "OPEN", 344.0),
    ("T-5", "New", "OPEN", 368.0),
]


@pytest.mark.parametrize(
    ("export", "shape", "versions", "funnel"),
    [
        (hubspot, "wide_dates", DEALS, ("Appointment", "Proposal", "Closed won")),
        (zendesk, "event_log", AUDITS, ("new", "open", "solved")),
        (jira, "changelog", ISSUES, ("To Do", "In Progress", "Done")),
        (salesforce, "stage_rows", OPPORTUNITIES, ("Prospecting", "Negotiation", "Closed Won")),
        (tickets, "wide_dates", TICKETS, ("New", "Closed")),
    ],
)
def test_an_export_becomes_its_versions_without_an_edit(
    tmp_path: Path, export: Export, shape: str, versions: list[tuple[Any, ...]], funnel: Any
) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    zone = taken_in(export(landing), tmp_path)
    (source,), (procedure,) = zone.procedures.file_sources, zone.procedures
    assert source.shape == shape
    # Changes of other fields at the same instant are versions too.
    assert list(dict.fromkeys(zone.states())) == versions
    assert zone.rejected() == []
    (proposed,) = procedure.funnels
    assert tuple(step.name for step in proposed.steps) == funnel
    assert (procedure.start_state, procedure.completed_state) == (funnel[0], funnel[-1])


def test_dates_of_stages_are_read_as_they_are_written(tmp_path: Path) -> None:
    result = inferred(hubspot(tmp_path))
    source = result.source
    assert source is not None
    assert (source.encoding, source.delimiter, source.decimal) == ("windows-1252", ";", ",")
    assert source.dates == ("%d.%m.%Y %H:%M", "%d.%m.%Y")
    assert source.files == ("deals-*.csv",)
    assert source.fields == {
        "id": "Record ID",
        "createdAt": "Create Date",
        "updatedAt": "Last Modified Date",
        "state": "Deal Stage",
        "assignedTo": "Deal owner",
    }
    assert source.stages["Closed won"] == 'Date entered "Closed won (Sales)"'
    # All deals have an expected date of closing: it is a value like others.
    assert source.attributes == {
        "deal_name": "Deal Name",
        "amount": "Amount",
        "close_date": "Close Date",
    }
    assert source.outcomes == {"Closed lost": "CANCELLED"}
    types = {a.short_id: (a.type, a.personal) for a in result.proposal.attributes}
    assert types == {
        "record_id": ("stringId", "no"),
        "deal_name": ("string", "direct"),
        "amount": ("decimal", "no"),
        "close_date": ("date", "no"),
    }
    kinds = [(state.short_id, state.kind) for state in result.proposal.states]
    assert kinds == [
        ("Appointment", "queue"),
        ("Proposal", "work"),
        ("Closed lost", "done"),
        ("Closed won", "done"),
    ]


def test_a_log_says_where_it_has_what(tmp_path: Path) -> None:
    log = source_of(zendesk(tmp_path)).log
    assert log is not None
    assert (log.at, log.field) == ("created_at", "field_name")
    assert (log.old, log.new) == ("previous_value", "value")
    assert log.fields == {"state": "status", "assignedTo": "assignee"}
    assert log.attributes == {"priority": "priority"}
    source = source_of(jira(tmp_path))
    assert source.log is not None
    assert (source.log.histories, source.log.items) == ("changelog.histories", "items")
    assert (source.log.old, source.log.new) == ("fromString", "toString")
    assert source.log.attributes == {"priority": "priority"}
    assert source.fields["id"] == "key"
    assert source.fields["assignedTo"] == "fields.assignee.accountId"
    assert source.names == {"assignedTo": "fields.assignee.displayName"}
    assert "active" not in source.attributes


@pytest.mark.parametrize("shape", ["event_log", "stage_rows", "wide_dates", "changelog"])
def test_the_shape_of_a_shipped_example_is_found(shape: str) -> None:
    (example,) = load_procedures(EXAMPLES / shape).file_sources
    (path, *_) = sorted(p for p in (EXAMPLES / shape / "landing").rglob("*") if p.is_file())
    source = source_of(path)
    assert source.shape == shape
    assert source.fields["id"] == example.fields["id"]
    assert source.fields.get("assignedTo") == example.fields.get("assignedTo")
    assert source.names == example.names
    assert set(source.stages.values()) == set(example.stages.values())
    if example.log and source.log:
        keys = ("at", "field", "old", "new", "histories", "items", "fields")
        assert all(getattr(source.log, key) == getattr(example.log, key) for key in keys)
    assert (source.encoding, source.decimal) == (example.encoding, example.decimal)


def test_records_in_bodies_are_found_with_their_deletion() -> None:
    source = source_of(EXAMPLES / "envelope" / "landing" / "webhooks" / "january.ndjson")
    assert (source.shape, source.items) == ("envelope", "data.orders")
    assert source.fields == {
        "id": "number",
        "state": "state",
        "createdAt": "created",
        "updatedAt": "$.sent",
    }
    assert source.dates == ("seconds",)
    assert source.deletion is not None
    assert source.deletion.values == ("order.deleted",)


def test_process_records_in_bodies_come_as_they_are(tmp_path: Path) -> None:
    versions = [v for n in range(3) for v in path_of(n, "NEW", "DONE", end="COMPLETED")]
    bodies = [{"event": "process.updated", "payload": version} for version in versions]
    zone = taken_in(write(tmp_path / "hooks.ndjson", bodies), tmp_path)
    (source,), (procedure,) = zone.procedures.file_sources, zone.procedures
    assert (source.items, source.fields) == ("payload", {})
    assert procedure.id == PROCEDURE
    assert [step.name for step in procedure.funnels[0].steps] == ["NEW", "DONE"]
    assert zone.rows("select count(*) from raw.process_versions") == [(6,)]


def test_of_wrapped_objects_the_time_of_the_event_is_that_of_the_version(tmp_path: Path) -> None:
    states = ("placed", "paid", "shipped")
    events = [
        {
            "id": f"evt_{n}",
            "type": "order.updated",
            "created": 1767607200 + n,
            "data": {
                "object": {"id": f"o_{n % 3}", "status": states[n // 3], "created": 1767607200}
            },
        }
        for n in range(9)
    ]
    result = inferred(write(tmp_path / "events.ndjson", events))
    assert result.source is not None
    assert (result.source.items, result.source.dates) == ("data.object", ("seconds",))
    assert result.source.fields["updatedAt"] == "$.created"
    assert result.proposal.funnel == states


def test_names_that_are_compounds_are_understood(tmp_path: Path) -> None:
    rows = [
        {
            "hs_object_id": n,
            "dealstage": stage,
            "hs_date_entered_appointment": "2026-01-01",
            "hs_date_entered_closedwon": "2026-01-05" if stage == "closedwon" else None,
            "hs_date_entered_closedlost": "2026-01-05" if stage == "closedlost" else None,
            "createdate": "2026-01-01",
            "hs_lastmodifieddate": "2026-01-09",
        }
        for n, stage in enumerate(["appointment", "closedwon", "closedlost"] * 2)
    ]
    source = source_of(listed(tmp_path / "deals.csv", rows))
    assert list(source.stages) == ["appointment", "closedwon", "closedlost"]
    assert source.fields["createdAt"] == "createdate"
    assert source.fields["updatedAt"] == "hs_lastmodifieddate"
    assert source.outcomes == {"closedlost": "CANCELLED"}


# What columns mean

LEADS = [
    {
        "lead_id": f"L-{n:04}",
        "stage": ("New", "Contacted", "Closed Won", "Closed Lost")[n % 4],
        "created": f"2026-01-{n % 20 + 1:02}T08:00:00Z",
        "modified": f"2026-02-{n % 20 + 1:02}T08:00:00Z",
        "owner id": f"u{n % 3}",
        "owner name": ("Ana Ruiz", "Kim Lee", "Bo")[n % 3],
        "email": f"person{n}@example.org",
        "postcode": f"{n:05}",
        "amount": n + 0.5,
        "consent": n % 2 == 0,
    }
    for n in range(24)
]


def _jsonl(folder: Path) -> Path:
    return write(folder / "leads.jsonl", LEADS)


def _gz(folder: Path) -> Path:
    path = folder / "leads.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, LEADS)).encode()))
    return path


def _json(folder: Path) -> Path:
    path = folder / "leads.json"
    path.write_text(json.dumps(LEADS), encoding="utf-8")
    return path


def _csv(folder: Path) -> Path:
    return listed(folder / "leads.csv", LEADS)


def _utf16(folder: Path) -> Path:
    path = folder / "leads.csv"
    path.write_bytes(_csv(folder).read_text("utf-8").encode("utf-16"))
    return path


def _parquet(folder: Path) -> Path:
    pl.DataFrame(LEADS).write_parquet(folder / "leads.parquet")
    return folder / "leads.parquet"


@pytest.mark.parametrize("export", [_jsonl, _gz, _json, _csv, _utf16, _parquet])
def test_every_format_is_read_alike(tmp_path: Path, export: Export) -> None:
    result = inferred(export(tmp_path))
    source = result.source
    assert source is not None
    # Each is assumed to begin in the state that sounds like a beginning.
    assert (source.shape, source.stages) == ("wide_dates", {"New": "created"})
    assert source.fields == {
        "id": "lead_id",
        "state": "stage",
        "createdAt": "created",
        "updatedAt": "modified",
        "assignedTo": "owner id",
    }
    assert source.names == {"assignedTo": "owner name"}
    assert source.outcomes == {"Closed Lost": "CANCELLED"}
    assert {a.short_id: a.type for a in result.proposal.attributes} == {
        "lead_id": "stringId",
        "email": "email",
        "postcode": "stringId",
        "amount": "decimal",
        "consent": "boolean",
    }
    personal = {a.short_id for a in result.proposal.attributes if a.personal != "no"}
    assert personal == {"email"}


@pytest.mark.parametrize(
    ("written", "dates"),
    [
        (["2026-02-13 09:30:00", "2026-02-03"], ()),
        (["2026-02-13T09:30:00+02:00"], ()),
        (["13.02.2026 09:30", "03.02.2026"], ("%d.%m.%Y %H:%M", "%d.%m.%Y")),
        (["13/02/2026"], ("%d/%m/%Y",)),
        (["02/13/2026 09:30 AM"], ("%m/%d/%Y %I:%M %p",)),
        (["13/Feb/26 9:30 AM"], ("%d/%b/%y %I:%M %p",)),
        (["13-Feb-2026 09:30"], ("%d-%b-%Y %H:%M",)),
        ([1770975000], ("seconds",)),
        ([1770975000000], ("milliseconds",)),
    ],
)
def test_times_are_read_however_they_are_written(
    tmp_path: Path, written: list[object], dates: tuple[str, ...]
) -> None:
    rows = [{"id": n, "status": "open", "Created Date": t} for n, t in enumerate(written * 3)]
    source = source_of(write(tmp_path / "a.jsonl", rows))
    assert source.dates == dates
    assert source.fields["createdAt"] == source.fields["updatedAt"] == "Created Date"


def test_one_date_that_is_clear_says_how_the_others_are_written(tmp_path: Path) -> None:
    rows = [
        {"id": n, "status": "open", "Created": "01/02/2026", "Modified": f"01/{n}/2026"}
        for n in (11, 12, 13, 14)
    ]
    result = inferred(listed(tmp_path / "a.csv", rows))
    assert result.source is not None
    assert result.source.dates == ("%m/%d/%Y",)
    assert "dates" not in (result.notes or {})
    rows = [{"id": n, "status": "open", "Created": f"0{n}/02/2026"} for n in (1, 2, 3)]
    notes = inferred(listed(tmp_path / "b.csv", rows)).notes or {}
    assert notes["dates"] == "a guess: no date tells days from months"


def test_a_date_of_closing_that_open_ones_have_completes_nothing(tmp_path: Path) -> None:
    rows = [
        {
            "id": n,
            "stage": ("Offer", "Talks")[n % 2],
            "created": "2026-01-01",
            "close": "2026-09-01",
        }
        for n in range(8)
    ]
    source = source_of(listed(tmp_path / "deals.csv", rows))
    assert source.shape == "records"
    assert source.attributes == {"close": "close"}
    assert source.outcomes == {}


def test_a_date_of_closing_tells_what_a_state_means(tmp_path: Path) -> None:
    rows = [
        {
            "id": n,
            "status": s,
            "opened": "2026-01-01",
            "closed": "2026-01-09" if s == "Z9" else None,
        }
        for n, s in enumerate(["New", "B", "Z9"] * 3)
    ]
    result = inferred(listed(tmp_path / "cases.csv", rows))
    assert result.source is not None
    assert result.source.fields["updatedAt"] == "closed"
    assert (result.proposal.completed, result.proposal.funnel) == ("Z9", ("New", "Z9"))


def test_a_modified_date_is_no_creation_date(tmp_path: Path) -> None:
    rows = [{"id": n, "status": "New", "last_modified": "2026-01-01"} for n in range(3)]
    result = inferred(listed(tmp_path / "a.csv", rows))
    assert result.source is not None
    assert result.source.shape == "records"
    assert (result.notes or {})["createdAt"] == "no column says it: that of updatedAt"


def test_without_a_word_for_it_processes_complete_where_they_end(tmp_path: Path) -> None:
    rows = [
        {"deal_id": f"D{n}", "stage": stage, "changed": f"2026-01-0{day}"}
        for n in range(6)
        for day, stage in enumerate(["Idea", "Offer", "Signed"][: 3 if n < 4 else 2], start=1)
    ]
    result = inferred(listed(tmp_path / "deals.csv", rows))
    assert result.proposal.completed == "Signed"
    assert result.proposal.funnel == ("Idea", "Offer", "Signed")
    assert "a guess" in (result.notes or {})["outcomes"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("lead_history.jsonl", "lead_id"),
        ("OpportunityHistory.jsonl", "OpportunityId"),
        ("opportunities.jsonl", "opportunity_id"),
        ("export.jsonl", "ticket_id"),
        ("changelog.jsonl", "issueKey"),
    ],
)
def test_the_process_of_a_history_is_not_the_row(tmp_path: Path, name: str, key: str) -> None:
    rows = [
        {
            "id": f"H-{n:04}",
            key: f"P-{n % 8:04}",
            "account_id": f"A-{n % 5}",
            "stage": ("New", "Contacted", "Closed Won")[n // 8],
            "changed_at": f"2026-01-{n + 1:02}T08:00:00Z",
        }
        for n in range(24)
    ]
    foreign = read_foreign(write(tmp_path / name, rows))
    assert foreign is not None
    source = source_of(tmp_path / name)
    assert (source.shape, source.fields["id"]) == ("stage_rows", key)
    assert set(source.attributes.values()) == {"account_id"}


@pytest.mark.parametrize("key", ["account_id", "order_id"])
def test_an_id_of_something_else_is_not_the_process(tmp_path: Path, key: str) -> None:
    rows = [
        {"id": f"T-{n}", key: f"O-{n % 4}", "stage": "New", "created": "2026-01-01"}
        for n in range(8)
    ]
    assert source_of(write(tmp_path / "tickets.jsonl", rows)).fields["id"] == "id"


def test_a_uuid_stays_the_id_and_is_the_key_too(tmp_path: Path) -> None:
    rows = [
        {"id": record(n)["id"], "phase": "Paid", "opened_on": "2026-01-01", "deleted": n == 1}
        for n in range(3)
    ]
    zone = taken_in(write(tmp_path / "payments.jsonl", rows), tmp_path)
    found = zone.rows(
        "select process_id::varchar, data->>'id', is_deleted from raw.process_versions"
    )
    assert sorted(found) == [(row["id"], row["id"], row["deleted"]) for row in rows]


def test_names_and_paths_with_quotes_do_not_break_what_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "Ada's exports"
    folder.mkdir()
    rows = [
        {'lead\'s "id"': f"a{n}", "stage: #1": "x: 'y'", "created": "2026-01-01"} for n in range(3)
    ]
    zone = taken_in(write(folder / "leads.jsonl", rows), tmp_path)
    assert [
        state
        for _, state, *_ in zone.rows(
            "select 1, data->>'lead_s_id' from raw.process_versions order by 2"
        )
    ] == ["a0", "a1", "a2"]


@pytest.mark.parametrize(
    "names",
    [
        ("case_id", "activity", "timestamp", "resource"),
        ("case:concept:name", "concept:name", "time:timestamp", "org:resource"),
    ],
)
def test_a_log_of_activities_is_understood(tmp_path: Path, names: tuple[str, ...]) -> None:
    rows = [(case, a, f"2026-03-02T1{n}:00Z", "Ann") for case in "AB" for n, a in enumerate("xy")]
    source = source_of(
        listed(tmp_path / "log.csv", [dict(zip(names, row, strict=True)) for row in rows])
    )
    assert source.shape == "stage_rows"
    assert source.fields == dict(
        zip(("id", "state", "updatedAt", "assignedTo"), names, strict=True)
    )


# What is refused, and where the command points


def test_a_time_of_an_unknown_form_is_named(tmp_path: Path) -> None:
    rows = [{"id": n, "status": "open", "Created": f"day {n} of spring"} for n in range(3)]
    with pytest.raises(SourceError, match="the form of the times in Created is unknown") as raised:
        inferred(listed(tmp_path / "a.csv", rows))
    assert "under `dates`" in str(raised.value)


def test_what_is_not_found_is_said_with_the_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "things.ndjson", [{"colour": "red"}, {"colour": "blue"}])
    with pytest.raises(SourceError, match="no column says what tells one process from another"):
        inferred(path)
    with pytest.raises(SourceError, match="Its columns are colour"):
        inferred(path)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", b"", "it has no rows"),
        ("a.csv", b"id;status\n", "it has no rows below its header"),
        ("a.xlsx", b"x", "it cannot be read as a workbook"),
        ("a.sql", b"insert into a", "it is a dump of a database. Load it"),
        ("a.xls", b"x", "a workbook of an old kind. Save it as .xlsx"),
        ("a.zip", b"x", "it is an archive. Unpack it"),
        ("a.tar.gz", b"x", "it is an archive. Unpack it"),
        ("a.json", '[{"id": 1}]'.encode("utf-16"), "iconv -f UTF-16 -t UTF-8 a.json"),
        ("a.json", b"[1, 2]", "usable record"),
        ("a.ndjson", b'"text"\n', "usable record"),
        ("a.dat", b"x", "no landing file of process records"),
    ],
)
def test_what_cannot_be_read_gets_one_sentence(
    tmp_path: Path, name: str, content: bytes, found: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((OperationError, SourceError)) as raised:
        inferred(tmp_path / name)
    assert found in str(raised.value)


def test_histories_in_a_page_are_out_of_reach(tmp_path: Path) -> None:
    page = {"total": 4, "issues": json.loads(jira(tmp_path).read_text(encoding="utf-8"))}
    path = write(tmp_path / "page.json", [page])
    with pytest.raises(SourceError, match=r"jq -c '\.issues\[\]' page.json > page.ndjson"):
        inferred(path)


def test_records_whose_values_are_wrong_are_not_foreign(tmp_path: Path) -> None:
    late = write(tmp_path / "late.ndjson", [record(1, updatedAt=2_000_000_000_000)])
    with pytest.raises(SourceError, match="none of its 1 lines is a usable record"):
        inferred(late)


def test_a_folder_of_other_files_names_them(tmp_path: Path) -> None:
    tickets(tmp_path)
    hubspot(tmp_path)
    code, _, err = leadtime("check", "--infer", tmp_path, "--to", tmp_path / "defs")
    assert code == 1
    assert "2 files that a source can read. Name one of them: deals-2026-02.csv, tickets.csv" in err


def test_records_get_a_definition_with_the_usual_path(tmp_path: Path) -> None:
    versions = [v for n in range(3) for v in path_of(n, "NEW", "WORK", "DONE", end="COMPLETED")]
    versions += path_of(9, "NEW", "CHECK", "DONE", end="COMPLETED")
    path = write(tmp_path / "a.ndjson", [*versions, *path_of(10, "NEW", "WORK")])
    defs = tmp_path / "defs"
    code, out, err = leadtime("check", "--infer", path, "--to", defs)
    assert (code, err) == (0, "")
    (procedure,) = load_procedures(defs)
    assert f"Written  {defs / procedure.short_id}.yaml" in out
    assert f"leadtime run --landing {tmp_path} --procedures {defs}" in out
    (funnel,) = procedure.funnels
    assert [step.name for step in funnel.steps] == ["NEW", "WORK", "DONE"]


def test_nothing_is_written_over_a_file(tmp_path: Path) -> None:
    path, defs = tickets(tmp_path), tmp_path / "defs"
    (defs / "sources").mkdir(parents=True)
    mine = defs / "sources" / "tickets.yaml"
    mine.write_text("mine", encoding="utf-8")
    code, out, err = leadtime("check", "--infer", path, "--to", defs)
    assert (code, out) == (1, "")
    assert f"{mine}: already there. Nothing was written" in err
    assert mine.read_text(encoding="utf-8") == "mine"
    assert not (defs / "tickets.yaml").exists()


def test_without_a_folder_a_foreign_file_is_pointed_to_it(tmp_path: Path) -> None:
    path = tickets(tmp_path)
    code, out, err = leadtime("check", "--infer", path)
    assert (code, out) == (1, "")
    assert "Their keys (7): Ticket, Subject, Status, Priority, Assignee, Created, Closed." in err
    assert f"leadtime check --infer {path} --to DIR" in err
    assert not any(value in err for value in ("T-1", "Kim Lee", "In Progress", "2026"))


def test_a_run_over_foreign_files_points_to_it(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    tickets(landing)
    code, out, _ = leadtime("run", "--landing", landing, "--data", tmp_path / "data")
    assert code == 1
    assert "Left alone: 1 file of another kind (tickets.csv)" in out
    assert f"--infer {landing}/tickets.csv --to defs` proposes it with a definition." in out


def test_from_an_export_to_its_funnel_by_three_commands(tmp_path: Path) -> None:
    landing, defs = tmp_path / "landing", tmp_path / "defs"
    landing.mkdir()
    hubspot(landing)
    where = ("--landing", landing, "--procedures", defs, "--data", tmp_path / "data")
    code, out, _ = leadtime("check", "--infer", landing / "deals-2026-02.csv", "--to", defs)
    assert code == 0
    assert "funnel Appointment > Proposal > Closed won" in out
    code, out, err = leadtime("run", *where)
    assert (code, err) == (0, "")
    assert "5 + 14 added = 15 accepted + 4 duplicates + 0 quarantined + 0 blank" in out
    query = "select processes from funnel_steps where mode = 'ordered' order by step_no"
    _, out, _ = leadtime("query", query, "--data", tmp_path / "data")
    assert [line.strip() for line in out.splitlines() if line.strip().isdigit()] == ["5", "4", "2"]
