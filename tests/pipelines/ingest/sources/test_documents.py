"""Envelopes, records and changelogs of JSON."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from schemas.definitions.procedure import Procedures
from schemas.loading.sources import check_source
from tests.support.landing_zone import LEAD, PROCEDURES, lead
from tests.support.source_zone import SourceZone, example


def zone_of(folder: Path, **source: Any) -> SourceZone:
    """A zone with the shipped procedures and one source for leads."""
    document = {"name": "a", "procedure": "lead", **source}
    made = check_source(document, PROCEDURES, file="a.yaml")
    procedures = Procedures(
        PROCEDURES.procedures, PROCEDURES.sources, PROCEDURES.calendars, (made,)
    )
    return SourceZone(folder / "landing", procedures)


def ledger(zone: SourceZone) -> list[tuple[int, ...]]:
    """Lines, added, accepted, duplicates, quarantined, blank of each file."""
    return zone.rows(
        "select lines, added, accepted, duplicates, quarantined, blank from raw.ingest_files "
        "order by file_seq"
    )


def test_the_record_in_an_envelope_comes_as_it_is(tmp_path: Path) -> None:
    zone = zone_of(
        tmp_path,
        shape="envelope",
        files="hooks.ndjson",
        items="payload",
        deletion={"column": "$.event", "values": ["lead.deleted"]},
    )
    first = lead(1, data={"full_name": "Person", "budget": "x"}).decode().strip()
    digits = first.replace('"x"', "123456789012345678.12")
    gone = lead(1, updatedAt=1_760_000_001_000).decode().strip()
    zone.text(
        "hooks.ndjson",
        f'{{"event": "lead.created", "payload": {digits}}}',
        f'{{"event": "lead.deleted", "payload": {gone}}}',
        '{"event": "ping"}',
        '{"event": NaN, "payload": {}}',
        '{"event": "a", "event": "b", "payload": {}}',
        "[]",
        "",
    )
    zone.take_in()
    assert zone.rows("select is_deleted from raw.process_versions order by updated_at") == [
        (False,),
        (True,),
    ]
    ((data,),) = zone.rows("select data::varchar from raw.process_versions where not is_deleted")
    assert "123456789012345678.12" in data
    assert [(line, rules) for _, line, rules, _ in zone.rejected()] == [
        (3, ["file:json:object"]),
        (4, ["file:json:number"]),
        (5, ["file:json:repeated"]),
        (6, ["file:json:object"]),
    ]
    assert ledger(zone) == [(7, 0, 2, 0, 4, 1)]


FIELDS = {"id": "id", "state": "stage", "createdAt": "created", "updatedAt": "changed"}
ROW = {"id": "L-1", "stage": "new", "created": 1_760_000_000_000, "changed": 1_760_000_000_000}


def states(zone: SourceZone) -> list[tuple[str, int]]:
    names = {state.id: state.short_id for state in LEAD.states}
    query = "select state_id::varchar, epoch_ms(updated_at) from raw.process_versions order by 2"
    return [(names[state], at) for state, at in zone.rows(query)]


def test_a_page_of_an_api(tmp_path: Path) -> None:
    outcomes = {s.short_id: "CANCELLED" for s in LEAD.states if s.kind == "done"}
    outcomes.pop(LEAD.completed_state, None)
    zone = zone_of(
        tmp_path, shape="envelope", files="*.json", items="data.items[]", fields=FIELDS,
        outcomes=outcomes,
    )  # fmt: skip
    rows = [ROW, {**ROW, "changed": 1_760_000_001_000}, 5]
    zone.text("page.json", json.dumps({"data": {"items": rows}}))
    zone.take_in()
    assert [at for _, at in states(zone)] == [1_760_000_000_000, 1_760_000_001_000]
    assert [(line, rules, text) for _, line, rules, text in zone.rejected()] == [
        (1, ["file:json:object"], "5")
    ]
    assert ledger(zone) == [(1, 2, 2, 0, 1, 0)]


def test_parquet_by_a_source(tmp_path: Path) -> None:
    outcomes = {s.short_id: "CANCELLED" for s in LEAD.states if s.kind == "done"}
    outcomes.pop(LEAD.completed_state, None)
    zone = zone_of(tmp_path, shape="records", files="*.parquet", fields=FIELDS, outcomes=outcomes)
    frame = pl.DataFrame([ROW, {**ROW, "id": "L-2"}]).with_columns(
        pl.from_epoch("changed", time_unit="ms")
    )
    frame.write_parquet(zone.folder / "leads.parquet")
    zone.take_in()
    assert len({*zone.rows("select process_id from raw.process_versions")}) == 2
    assert ledger(zone) == [(2, 0, 2, 0, 0, 0)]


def test_documents_come_again_with_more_history(tmp_path: Path) -> None:
    zone = SourceZone(tmp_path / "landing", example("changelog", tmp_path))

    def issue(*moves: tuple[str, str, str], points: float = 1) -> str:
        histories = [
            {
                "created": f"2026-01-{day}T00:00:00Z",
                "items": [{"field": "status", "fromString": old, "toString": new}],
            }
            for day, old, new in moves
        ]
        status = moves[-1][2] if moves else "To Do"
        fields = {"created": "2026-01-01T00:00:00Z", "status": {"name": status}, "points": points}
        return json.dumps(
            {"key": "A", "fields": fields, "changelog": {"histories": histories[::-1]}}
        )

    zone.text("issues_1.ndjson", issue(("02", "To Do", "In Progress")))
    zone.take_in()
    moves = (("02", "To Do", "In Progress"), ("05", "In Progress", "Done"))
    zone.text("issues_2.ndjson", issue(*moves, points=8))
    zone.take_in()
    assert zone.states() == [
        ("A", "TODO", "OPEN", 0),
        ("A", "IN_PROGRESS", "OPEN", 24),
        ("A", "DONE", "COMPLETED", 96),
    ]
    query = "select (data->>'points')::double from raw.process_versions order by updated_at"
    assert zone.rows(query) == [(1.0,), (1.0,), (8.0,)]
    assert ledger(zone) == [(1, 1, 2, 0, 0, 0), (1, 2, 1, 2, 0, 0)]
