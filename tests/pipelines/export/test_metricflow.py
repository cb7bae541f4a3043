"""Semantic models of the published tables: what they say, and whether MetricFlow takes them."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.export.metricflow import semantic_layer
from pipelines.export.semantic_names import Names, expression, plain_text, valid_name
from pipelines.settings import Settings
from tests.support.command_line import leadtime

_AGGREGATES = {"sum": "sum({})", "average": "avg({})", "median": "median({})"}


@pytest.fixture(scope="module")
def folder(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "leadtime"
    result = leadtime("export", "--data", settings.data, "--metricflow", folder)
    assert result.code == 0
    models, metrics = (parts(folder, name) for name in ("semantic_models", "metrics"))
    assert result.out == f"{folder}: {len(models)} semantic models and {len(metrics)} metrics.\n"
    return folder


def parts(folder: Path, name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))[name]


def model(folder: Path, name: str) -> dict[str, Any]:
    (found,) = [m for m in parts(folder, "semantic_models") if m["name"] == name]
    return found


def without_text(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in entry.items() if k != "description"} for entry in entries]


def test_a_table_of_levels_is_not_added_up_over_days(folder: Path) -> None:
    backlog = model(folder, "backlog_daily")
    assert backlog["model"] == "ref('leadtime_backlog_daily')"
    assert backlog["primary_entity"] == "backlog_daily"
    assert backlog["defaults"] == {"agg_time_dimension": "on_day"}
    day = {"type_params": {"time_granularity": "day"}, "expr": "day"}
    assert without_text(backlog["dimensions"]) == [
        {"name": "on_day", "type": "time", **day},
        {"name": "procedure", "type": "categorical", "expr": "procedure"},
        {"name": "state", "type": "categorical", "expr": "state"},
    ]
    (measure,) = without_text(backlog["measures"])
    assert measure == {
        "name": "backlog_daily_open_processes_sum",
        "agg": "sum",
        "expr": "open_processes",
        "non_additive_dimension": {"name": "on_day", "window_choice": "max"},
    }


def test_facts_refer_to_processes_and_to_those_of_each_procedure(folder: Path) -> None:
    visits = model(folder, "state_visits")
    assert visits["primary_entity"] == "state_visit"
    assert [tuple(entity.values()) for entity in visits["entities"]] == [
        ("process", "foreign", "process_id"),
        ("order", "foreign", "process_id"),
        ("visit", "foreign", "process_id"),
        ("team", "foreign", "team_id"),
        ("user", "foreign", "assigned_to"),
    ]
    orders = model(folder, "order_processes")
    assert orders["entities"][0] == {"name": "order", "type": "primary", "expr": "process_id"}
    assert model(folder, "users")["entities"] == [
        {"name": "user", "type": "primary", "expr": "user_id"}
    ]
    assert "measures" not in model(folder, "users")


def test_an_attribute_with_numbers_is_measured(folder: Path) -> None:
    measures = {
        m["name"]: (m["agg"], m["expr"]) for m in model(folder, "order_processes")["measures"]
    }
    assert measures["order_processes_size_sum"] == ("sum", "size")
    assert measures["order_processes_size_average"] == ("average", "size")
    assert measures["order_processes_resolution_seconds_median"] == ("median", "resolution_seconds")
    assert measures["order_processes_n_visits_sum"] == ("sum", "n_visits")
    assert measures["order_processes_count"] == ("sum", "1")
    # Neither a position nor a share adds up.
    assert not any("depth" in name or "share" in name for name in measures)


def test_meaning_unit_and_rules_are_those_of_the_catalogue(folder: Path) -> None:
    metrics = {m["name"]: m for m in parts(folder, "metrics")}
    described = metrics["order_processes_resolution_seconds_average"]["description"]
    assert described.startswith("Mean of `resolution_seconds`. ")
    assert "Unit: seconds." in described
    assert "Null: " in described


def test_what_is_personal_is_in_none_of_them(folder: Path) -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert "c@d.de" not in written
    names = {d["name"] for d in model(folder, "order_processes")["dimensions"]}
    assert "mail_key" in names
    assert {"mail", "assigned_to_name", "link"}.isdisjoint(names)


def test_every_part_is_of_the_table_and_every_measure_has_a_number(
    settings: Settings, folder: Path
) -> None:
    with duckdb.connect(settings.published, read_only=True) as con:
        for found in parts(folder, "semantic_models"):
            table = found["name"]
            written = [e["expr"] for e in (*found["entities"], *found["dimensions"])]
            measures = found.get("measures", [])
            written += [_AGGREGATES[m["agg"]].format(m["expr"]) for m in measures]
            for part in written:
                con.execute(f'select {part} from "{table}"')
            ref = (folder / f"leadtime_{table}.sql").read_text(encoding="utf-8")
            assert ref == f"select * from {{{{ source('leadtime', '{table}') }}}}\n"
        spine = (folder / "leadtime_time_spine.sql").read_text(encoding="utf-8")
        days = con.execute(f"select min(date_day), max(date_day) from ({spine})").fetchall()
        query = "select min(day), max(day) + 366 from flow_daily"
        assert con.execute(query).fetchall() == days
        # Four orders: of five visits, of one, of none (it was only seen deleted), and of two.
        measures = {m["name"]: m for m in model(folder, "order_processes")["measures"]}
        for name, figure in (("count", 4), ("n_visits_sum", 8)):
            measure = measures[f"order_processes_{name}"]
            query = f"select {_AGGREGATES[measure['agg']].format(measure['expr'])}"
            assert con.execute(f"{query} from order_processes").fetchall() == [(figure,)]


def test_days_are_those_of_the_reporting_time_zone(settings: Settings, tmp_path: Path) -> None:
    """The first order was created at 2026-01-01T00:00:00.250Z."""
    copied = tmp_path / "copy.duckdb"
    shutil.copy(settings.published.resolve(), copied)
    with duckdb.connect(copied) as con:
        con.execute("update build set time_zone = 'America/New_York'")
        models, _ = semantic_layer(con)
        (processes,) = [m for m in models if m["name"] == "processes"]
        (created,) = [d["expr"] for d in processes["dimensions"] if d["name"] == "created_at"]
        query = (
            f"select min(date_trunc('day', {created}))::varchar "
            "from processes where procedure = 'order'"
        )
        assert con.execute(query).fetchall() == [("2025-12-31 00:00:00",)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("size", "size"),
        ("Annual Revenue (€)", "annual_revenue"),
        ("a__b_", "a_b"),
        ("2nd", "c_2nd"),
        ("x", "c_x"),
        ("month", "on_month"),
        ("ü 2", "c_2"),
    ],
)
def test_names_are_those_that_metricflow_takes(text: str, name: str) -> None:
    assert valid_name(text) == name


def test_a_name_is_of_one_kind_only() -> None:
    names = Names(["process", "user"])
    assert names.of_entity("User") == "user_2"
    assert names.of_dimension("lead_processes", "user", "categorical") == "lead_processes_user"
    assert names.of_dimension("lead_processes", "due", "time") == "due"
    assert names.of_dimension("tasks", "due", "time") == "due"
    assert names.of_dimension("calls", "due", "categorical") == "calls_due"
    assert names.of_rows("sla_clocks") == "sla_clock"


def test_what_dbt_would_fill_in_is_plain_text() -> None:
    assert plain_text("{{ a }} {% b %} {# c #}") == "{ { a }} { % b %} { # c #}"
    assert (expression("due_on"), expression("Due on")) == ("due_on", '"Due on"')


def test_metricflow_finds_nothing_wrong(folder: Path) -> None:
    """As dbt does: the parts of its own classes, filled in and validated."""
    pytest.importorskip("dbt_semantic_interfaces")

    def of(module: str, name: str) -> Any:
        return getattr(importlib.import_module(f"dbt_semantic_interfaces.{module}"), name)

    implementation = "implementations"
    model_class = of(f"{implementation}.semantic_model", "PydanticSemanticModel")
    metric_class = of(f"{implementation}.metric", "PydanticMetric")
    manifest_class = of(f"{implementation}.semantic_manifest", "PydanticSemanticManifest")
    project_class = of(f"{implementation}.project_configuration", "PydanticProjectConfiguration")
    models: list[Any] = []
    for found in parts(folder, "semantic_models"):
        (alias,) = re.findall(r"^ref\('(\w+)'\)$", found.pop("model"))
        relation = {"alias": alias, "schema_name": "main"}
        models.append(model_class.parse_obj(found | {"node_relation": relation}))
    (spine,) = yaml.safe_load((folder / "time_spine.yml").read_text())["models"]
    (column,) = spine["columns"]
    project = project_class.parse_obj(
        {
            "time_spines": [
                {
                    "node_relation": {"alias": spine["name"], "schema_name": "main"},
                    "primary_column": {
                        "name": column["name"],
                        "time_granularity": column["granularity"],
                    },
                }
            ]
        }
    )
    manifest = manifest_class(
        semantic_models=models,
        metrics=[metric_class.parse_obj(metric) for metric in parts(folder, "metrics")],
        project_configuration=project,
    )
    transformer = of(
        "transformations.pydantic_rule_set", "PydanticSemanticManifestTransformRuleSet"
    )()
    transform = of(
        "transformations.semantic_manifest_transformer", "PydanticSemanticManifestTransformer"
    )
    manifest = transform.transform(
        manifest, (transformer.primary_rules, transformer.secondary_rules)
    )
    validator = of("validations.semantic_manifest_validator", "SemanticManifestValidator")
    results = validator[manifest_class]().validate_semantic_manifest(manifest)
    assert [issue.message for issue in results.all_issues] == []
