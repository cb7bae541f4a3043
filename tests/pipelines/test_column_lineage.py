"""Where the columns of the assets come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.defs.column_lineage import Sources, find_column_lineage, lineage_metadata
from pipelines.settings import PROCEDURES_FOLDER
from schemas.catalogue import published_tables
from schemas.definition_files import load_procedures

PROCEDURES = load_procedures(PROCEDURES_FOLDER)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lineage") / "home" / "column_lineage.json"


@pytest.fixture(scope="module")
def sources(place: Path) -> Sources:
    return find_column_lineage(PROCEDURES, kept_in=place)


def test_every_column_is_traced(sources: Sources) -> None:
    known = {table.name: set(table.column_names) for table in published_tables(PROCEDURES)}
    for asset, columns in sources.items():
        assert set(columns) == known[asset.split("/")[1]], asset


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
        ("mart/flow_daily", "procedure", [("core/status_spells", "procedure")]),
    ],
)
def test_columns_come_from(
    sources: Sources, asset: str, column: str, expected: list[tuple[str, str]]
) -> None:
    assert [tuple(source) for source in sources[asset][column]] == expected


def test_it_is_kept_until_the_definitions_change(place: Path, sources: Sources) -> None:
    place.write_text(place.read_text().replace("raw/process_versions", "raw/marked"))
    again = find_column_lineage(PROCEDURES, kept_in=place)
    assert again["core/state_visits"]["assigned_to"] == [["raw/marked", "assigned_to"]]
    place.write_text("not what was written")
    mended = find_column_lineage(PROCEDURES, kept_in=place)
    assert mended["mart/flow_daily"] == sources["mart/flow_daily"]


def test_dagster_gets_the_sources(sources: Sources) -> None:
    shown = lineage_metadata(sources["core/process_lifecycle"]).deps_by_column
    (source,) = shown["n_backward"]
    assert (source.asset_key.path, source.column_name) == (["core", "state_visits"], "direction")
    assert "n_visits" not in shown  # a count of rows comes from no column
