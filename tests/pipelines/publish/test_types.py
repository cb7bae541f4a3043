"""Attributes of every type through a whole run: columns, comments and violations as published."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.run import Request, open_run
from pipelines.settings import Settings
from schemas.definitions.attribute_types import ATTRIBUTE_TYPES, BY_NAME
from tests.support.attribute_rows import OPTIONS, PLAIN_ROWS
from tests.support.identifiers import uid
from tests.support.structured_rows import STRUCTURED_ROWS

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
START = 1_760_000_000_000
ROWS = PLAIN_ROWS | STRUCTURED_ROWS
POINTS = [[52.5, 13.4], {"lat": "52.5", "lng": 13.4}, [91, 0]]
ADDRESSES: list[Any] = [{"city": "Bonn", "lat": 50.7, "lng": 7.1}, {"city": {}}, "Bonn"]
STATES = ["new", "0c9c5f6e-9f63-4a2b-8a35-6a0f5d3f2b99", "GONE"]


def attribute(kind: str) -> dict[str, Any]:
    short_id = f"a_{kind}"
    options = {"options": [*OPTIONS[kind]]} if kind in OPTIONS else {}
    named = {"id": uid(short_id), "shortId": short_id, "type": kind}
    return {**named, "track": True, "publish": "clear", **options}


DEFINITION = {
    "id": uid("visit"),
    "shortId": "visit",
    "primaryKey": "a_geolocation",
    "attributes": [attribute(kind) for kind in ATTRIBUTE_TYPES],
    "derivedAttributes": [
        {"id": uid("seen"), "shortId": "seen", "type": "geolocation", "publish": "clear"}
    ],
    "states": [
        {"id": uid("NEW"), "shortId": "NEW", "kind": "queue"},
        {"id": STATES[1], "shortId": "DONE", "kind": "done"},
    ],
    "startState": "NEW",
    "completedState": "DONE",
}


def version(number: int, hour: int, data: dict[str, Any], **derived: Any) -> dict[str, Any]:
    return {
        "id": uid(f"process {number}"),
        "team": uid("team"),
        "procedure": uid("visit"),
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START,
        "updatedAt": START + hour * 3_600_000,
        "data": data,
        "derivedData": derived,
    }


def first_good(kind: str) -> Any:
    return json.loads(next(text for text, value, *_ in ROWS[kind] if value is not None))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("types")
    settings = Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )
    settings.landing.mkdir()
    settings.procedures.mkdir()
    (settings.procedures / "visit.json").write_text(json.dumps(DEFINITION))
    versions = [
        version(number, 0, {"a_geolocation": point, "a_googleAddress": address, "a_state": state})
        for number, (point, address, state) in enumerate(
            zip(POINTS, ADDRESSES, STATES, strict=True)
        )
    ]
    versions.append(version(9, 0, {f"a_{kind}": first_good(kind) for kind in ATTRIBUTE_TYPES}))
    versions.append(version(2, 1, {"a_geolocation": [1, 2]}, seen={"lat": 3, "lng": 4}))
    lines = "\n".join(map(json.dumps, versions))
    (settings.landing / "visits.ndjson").write_text(lines + "\n")
    with open_run(settings, Request(as_of=AS_OF), purpose="a test") as run:
        run.ingest()
        for name in run.builder.names("history"):
            run.builder.refresh_history(name)
        for layer in ("core", "mart"):
            for name in run.builder.names(layer):
                run.builder.build(layer, name)
        return run.publish().path


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query).fetchall()


def process(number: int) -> str:
    return f"where process_id = '{uid(f'process {number}')}'"


def test_every_type_has_its_columns(published: Path) -> None:
    found: dict[str, str] = dict(
        rows(published, "select column_name, column_type from (describe visit_processes)")
    )
    for kind in ATTRIBUTE_TYPES:
        columns = BY_NAME[kind].columns(f"a_{kind}")
        assert {name: found.get(name) for name in columns} == columns
    assert "a_geolocation" not in found
    assert (found["seen_lat"], found["seen_lng"]) == ("DOUBLE", "DOUBLE")


def test_good_values_of_every_type_are_published(published: Path) -> None:
    names = [name for kind in ATTRIBUTE_TYPES for name in BY_NAME[kind].columns(f"a_{kind}")]
    columns = ", ".join(f'"{name}"' for name in names)
    ((*values,),) = rows(published, f"select {columns} from visit_processes {process(9)}")
    assert [name for name, value in zip(names, values, strict=True) if value is None] == []


def test_places_and_addresses_are_columns_and_structs(published: Path) -> None:
    query = """
        select a_geolocation_lat, a_geolocation_lng, a_googleAddress.city, a_googleAddress.lat,
            a_state, seen_lat, seen_lng
        from visit_processes
    """
    assert [rows(published, query + process(number))[0] for number in range(3)] == [
        (52.5, 13.4, "Bonn", 50.7, "NEW", None, None),
        (52.5, 13.4, None, None, "DONE", None, None),
        (1.0, 2.0, None, None, None, 3.0, 4.0),
    ]


def test_violations_are_printed_with_personal_values_masked(published: Path) -> None:
    query = """
        select rule, severity, value from violations
        where column_name in ('a_geolocation', 'a_googleAddress', 'a_state', 'seen')
        order by all
    """
    repeated = ("core:primary_key:unique", "flag", "***")
    assert rows(published, query) == [
        ("attr:a_geolocation:as_text", "flag", "***"),
        ("attr:a_geolocation:type", "null", "***"),
        ("attr:a_googleAddress:type", "null", "***"),
        ("attr:a_googleAddress:type", "null", "***"),
        ("attr:a_state:isin", "null", '"GONE"'),
        # Process 9 stands in the same place as the first two.
        *[repeated] * 3,
    ]


def test_the_catalogue_and_comments_describe_both_columns(published: Path) -> None:
    query = (
        "select data_type, unit, description, personal from metric_catalog where column_name = ?"
    )
    for part, word in (("lat", "Latitude"), ("lng", "Longitude")):
        name = f"a_geolocation_{part}"
        described = (
            f"{word}: Attribute a_geolocation (`a_geolocation`, type geolocation), "
            "in the latest version."
        )
        with duckdb.connect(published, read_only=True) as con:
            assert con.execute(query, [name]).fetchall() == [
                ("DOUBLE", "degrees", described, "direct")
            ]
        ((comment,),) = rows(
            published,
            "select comment from duckdb_columns() where table_name = 'visit_processes' "
            f"and column_name = '{name}'",
        )
        assert comment.startswith(f"{described} Personal data. Unit: degrees.")
    assert rows(
        published, "select count(*) from metric_catalog where column_name = 'a_geolocation'"
    ) == [(0,)]


def test_changes_of_a_place_are_changes_of_its_attribute(published: Path) -> None:
    query = "select old_value, new_value from attribute_changes where attribute = 'a_geolocation'"
    assert rows(published, query) == [(None, "{'lat': 1.0, 'lng': 2.0}")]
