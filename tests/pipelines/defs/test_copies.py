"""Copies to other engines as assets: one per address, after `analytics`, and failing alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import define
from pipelines.settings import PROCEDURES_FOLDER, Settings, from_environment
from schemas.errors import OperationError
from schemas.load import load_procedures
from tests.support.made_generations import ROWS, facts_of, write_generation

pytest.importorskip("deltalake", reason="its extra is not installed")
PROCEDURES = load_procedures(PROCEDURES_FOLDER)


def keys(settings: Settings) -> set[str]:
    graph = define(settings, PROCEDURES).resolve_asset_graph()
    return {key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == "copies"}


def test_there_is_one_per_address_in_the_nightly_job() -> None:
    addresses = "delta:///a/tables delta:///b/tables postgres://u:secret@h/db?schema=x"
    settings = Settings(publish_to=addresses)
    assert keys(Settings()) == set()
    assert keys(settings) == {"copies/delta_tables", "copies/delta_tables_2", "copies/postgres_x"}
    definitions = define(settings, PROCEDURES)
    assert "copies__postgres_x" in definitions.resolve_job_def("refresh").graph.node_dict
    graph = definitions.resolve_asset_graph()
    node = graph.get(dg.AssetKey(["copies", "postgres_x"]))
    assert node.parent_keys == {dg.AssetKey("analytics")}
    assert "postgres://u@h/db?schema=x" in (node.description or "")
    assert "secret" not in (node.description or "")


def test_one_that_fails_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine").touch()
    settings = Settings(
        data=tmp_path / "data", publish_to=f"delta://{tmp_path}/a delta://{tmp_path}/b"
    )
    write_generation(settings, 1)
    job = define(settings, PROCEDURES).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(["copies", f"delta_{name}"]) for name in "ab"],
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert {name: metadata[name].value for name in metadata if name != "seconds"} == {
        "address": f"delta://{tmp_path}/b",
        "generation": 1,
        "is_new": True,
        "tables": 5,
        "rows": 4 + 2 * ROWS,
    }
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "has other files (mine)" in str(failure.step_failure_data.error)
    assert facts_of(tmp_path / "b" / "current.json")["generation"] == 1


def test_all_keys_begin_with_the_prefix() -> None:
    """Nothing outside is read: a key without it would be that of another location."""
    settings = Settings(
        publish_to="delta:///tables", api_url="https://api.example.com", asset_prefix=("crm", "x")
    )
    definitions = define(settings, PROCEDURES)
    graph = definitions.resolve_asset_graph()
    found = graph.get_all_asset_keys()
    assert all(key.path[:2] == ["crm", "x"] for key in found)
    assert {key.to_user_string() for key in found if len(key.path) == 3} == {"crm/x/analytics"}
    plain = define(replace(settings, asset_prefix=()), PROCEDURES).resolve_asset_graph()
    assert len(found) == len(plain.get_all_asset_keys())
    checks = {(*key.asset_key.path[2:], key.name) for key in graph.asset_check_keys}
    assert checks == {(*key.asset_key.path, key.name) for key in plain.asset_check_keys}
    assert definitions.resolve_job_def("pull").graph.node_dict.keys() == {"crm__x__landing__pull"}


def test_a_prefix_has_plain_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADTIME_ASSET_PREFIX", "crm/x")
    assert from_environment().asset_prefix == ("crm", "x")
    monkeypatch.setenv("LEADTIME_ASSET_PREFIX", "crm//x")
    with pytest.raises(OperationError, match="LEADTIME_ASSET_PREFIX: found 'crm//x'"):
        from_environment()
