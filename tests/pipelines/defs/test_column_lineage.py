"""Where the columns of the assets come from."""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg
import pytest

from pipelines.defs import column_lineage
from pipelines.defs.assets import build_assets
from pipelines.defs.column_lineage import (
    Sources,
    find_column_lineage,
    known_column_lineage,
    raw_columns,
)
from pipelines.defs.metadata import describe_columns
from pipelines.settings import PROCEDURES_FOLDER
from schemas.catalogue.raw import RAW_COLUMNS
from schemas.catalogue.tables import TABLES
from schemas.compiled.wide_table import built_tables
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures

PROCEDURES = load_procedures(PROCEDURES_FOLDER)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lineage") / "home"


@pytest.fixture(scope="module")
def sources(place: Path) -> Sources:
    return find_column_lineage(PROCEDURES, home=place)


def test_every_column_is_traced(sources: Sources) -> None:
    known = {table.name: set(table.column_names) for table in built_tables(PROCEDURES)}
    for asset, columns in sources.items():
        assert set(columns) == known[asset.split("/")[1]], asset


def test_every_raw_column_is_described_before_the_first_run() -> None:
    raw = build_assets(PROCEDURES)[0]
    tables = raw_columns()
    for key, metadata in raw.metadata_by_key.items():
        columns = metadata["dagster/column_schema"].value.columns
        assert [column.name for column in columns] == list(tables[key.path[-1]])
        assert all(column.description for column in columns)
    used = {column for key in raw.keys for column in tables[key.path[-1]]}
    assert used == set(RAW_COLUMNS)


def test_sources_are_columns_of_assets(sources: Sources) -> None:
    for asset, columns in sources.items():
        for found in columns.values():
            for source, name in found:
                assert source != asset
                assert source.startswith("raw/") or name in sources[source], (asset, source, name)


@pytest.mark.parametrize(
    ("asset", "column", "expected"),
    [
        ("core/state_visits", "assigned_to", [("raw/process_versions", "assigned_to")]),
        ("core/state_visits", "state_name", [("raw/process_versions", "state_id")]),
        ("core/state_visits", "procedure", [("raw/process_versions", "procedure_id")]),
        ("core/hierarchy", "parent_process_id", [("core/processes", "parent_process_id")]),
        ("core/process_lifecycle", "n_backward", [("core/state_visits", "direction")]),
        ("core/lead_processes", "score", [("raw/process_versions", "data")]),
        (
            "core/lead_processes",
            "assigned_to_name",
            [("core/processes", "assigned_to"), ("core/users", "name")],
        ),
        ("mart/flow_daily", "procedure", [("core/open_stays", "procedure")]),
    ],
)
def test_columns_come_from(
    sources: Sources, asset: str, column: str, expected: list[tuple[str, str]]
) -> None:
    assert [tuple(source) for source in sources[asset][column]] == expected


def test_the_page_waits_for_no_sources(
    tmp_path: Path, place: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(column_lineage, "_DELAY_SECONDS", 0.0)
    monkeypatch.setattr(column_lineage, "find_column_lineage", lambda _, home: asked.append(home))
    known = known_column_lineage(PROCEDURES, home=place)
    assert known is not None
    assert set(known) == set(sources)
    assert known_column_lineage(PROCEDURES, home=tmp_path) is None
    until = time.monotonic() + 10
    while not asked and time.monotonic() < until:
        time.sleep(0.01)
    assert asked == [tmp_path]


@pytest.mark.nightly
def test_it_is_kept_until_the_definitions_change(place: Path, sources: Sources) -> None:
    (kept,) = place.iterdir()
    kept.write_text(kept.read_text().replace("raw/process_versions", "raw/marked"))
    again = find_column_lineage(PROCEDURES, home=place)
    assert again["core/state_visits"]["assigned_to"] == [["raw/marked", "assigned_to"]]
    tickets = tuple(p for p in PROCEDURES if p.short_id == "ticket")
    one = Procedures(tickets, {}, PROCEDURES.calendars)
    assert "core/lead_processes" not in find_column_lineage(one, home=place)
    kept.write_text("not what was written")
    mended = find_column_lineage(PROCEDURES, home=place)
    assert mended["mart/flow_daily"] == sources["mart/flow_daily"]


def test_dagster_gets_the_sources(sources: Sources) -> None:
    about = describe_columns(TABLES["process_lifecycle"], sources["core/process_lifecycle"])
    schema, lineage = about["dagster/column_schema"], about["dagster/column_lineage"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    (source,) = lineage.value.deps_by_column["n_backward"]
    assert (source.asset_key.path, source.column_name) == (["core", "state_visits"], "direction")
    assert "n_visits" not in lineage.value.deps_by_column  # a count of rows comes from no column
    said = {column.name: column.description or "" for column in schema.schema.columns}
    assert said["n_backward"].endswith("From: `state_visits.direction`.")
    assert "From:" not in said["n_visits"]


def test_of_many_sources_some_are_named() -> None:
    many = [("core/processes", f"column_{n}") for n in range(8)]
    about = describe_columns(TABLES["process_lifecycle"], {"n_visits": many})
    schema = about["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    (said,) = [c.description or "" for c in schema.schema.columns if c.name == "n_visits"]
    assert said.endswith("`processes.column_4`, `processes.column_5` and 2 more.")
