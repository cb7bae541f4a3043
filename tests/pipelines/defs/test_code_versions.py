"""The code versions of assets: what Dagster compares to tell which tables have another code."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from pipelines.defs import lineage
from pipelines.defs.assets import build_assets
from pipelines.settings import PROCEDURES_FOLDER
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from transforms.builder.tables import Key, load_tables

PROCEDURES = load_procedures(PROCEDURES_FOLDER)


def changed_by(monkeypatch: pytest.MonkeyPatch, key: Key) -> set[str]:
    """The assets whose code version changes with the SQL of a table."""
    before = lineage.find_lineage(PROCEDURES).code_versions
    tables = dict(load_tables(PROCEDURES))
    tables[key] = replace(tables[key], sql=f"{tables[key].sql}\n-- changed")
    monkeypatch.setattr(lineage, "load_tables", lambda _: tables)
    after = lineage.find_lineage(PROCEDURES).code_versions
    assert before.keys() == after.keys()
    return {"/".join(key.path) for key in before if before[key] != after[key]}


def test_a_mart_changes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert changed_by(monkeypatch, ("mart", "flow_weekly")) == {"mart/flow_weekly"}


def test_a_step_changes_the_tables_that_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = changed_by(monkeypatch, ("step", "outcome_estimates"))
    assert "mart/outcome_curves" in changed
    assert "core/state_visits" not in changed


def test_history_changes_the_table_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = changed_by(monkeypatch, ("history", "state_visits"))
    assert "core/state_visits" in changed
    assert "core/users" not in changed


def test_another_definition_changes_all() -> None:
    (lead,) = (p for p in PROCEDURES if p.short_id == "lead")
    states = (lead.states[0].model_copy(update={"name": "Another name"}), *lead.states[1:])
    others = tuple(p.model_copy(update={"states": states}) if p is lead else p for p in PROCEDURES)
    other = Procedures(others, PROCEDURES.sources, PROCEDURES.calendars)
    before = lineage.find_lineage(PROCEDURES).code_versions
    after = lineage.find_lineage(other).code_versions
    assert {key for key in before if before[key] == after[key]} == set()


def test_dagster_has_them() -> None:
    versions = lineage.find_lineage(PROCEDURES).code_versions
    found = {
        key: spec.code_version
        for assets in build_assets(PROCEDURES, prefix=["crm"])
        for key, spec in assets.specs_by_key.items()
    }
    assert (
        found[dg.AssetKey(["crm", "mart", "flow_weekly"])]
        == (versions[dg.AssetKey(["mart", "flow_weekly"])])
    )
