"""Writes the published tables as semantic models and metrics of dbt (MetricFlow), from their
catalogue.

The YAML is that of dbt 1.6 and later (the form with `measures`, which later versions read too):
https://docs.getdbt.com/docs/build/semantic-models.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import yaml

from pipelines.export.semantic_model import (
    ENTITIES,
    FACTS,
    SOURCE,
    Part,
    SemanticModel,
    described_columns,
)
from pipelines.export.semantic_names import Names
from pipelines.export.targets import Written
from pipelines.report.contents import procedures_of
from schemas.compiled.wide_table import wide_table_name

TIME_SPINE = f"{SOURCE}_time_spine"
DATABASE = f"{{{{ var('{SOURCE}_database', target.database) }}}}"
"""Where the published database is, as dbt fills it in: it may be attached under another name."""


def write_metricflow(con: duckdb.DuckDBPyConnection, folder: Path) -> Written:
    """Write a folder of models for a dbt project whose source `leadtime` is the published database:
    a view per table, their semantic models, metrics and a time spine.

    Columns that are not published are in none; days are those of the reporting time zone.
    """
    models, metrics = semantic_layer(con)
    tables = [model["name"] for model in models]
    for table in tables:
        text = f"select * from {{{{ source('{SOURCE}', '{table}') }}}}\n"
        (folder / f"{SOURCE}_{table}.sql").write_text(text, encoding="utf-8")
    (folder / f"{TIME_SPINE}.sql").write_text(_spine(con), encoding="utf-8")
    written: dict[str, Part] = {
        "sources.yml": {
            "sources": [
                {
                    "name": SOURCE,
                    "database": DATABASE,
                    "schema": "main",
                    "tables": [{"name": name} for name in tables],
                }
            ]
        },
        "time_spine.yml": {
            "models": [
                {
                    "name": TIME_SPINE,
                    "time_spine": {"standard_granularity_column": "date_day"},
                    "columns": [{"name": "date_day", "granularity": "day"}],
                }
            ]
        },
        "semantic_models.yml": {"semantic_models": models},
        "metrics.yml": {"metrics": metrics},
    }
    for name, content in written.items():
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
        (folder / name).write_text(text, encoding="utf-8")
    return Written({"semantic model": len(models), "metric": len(metrics)})


def semantic_layer(con: duckdb.DuckDBPyConnection) -> tuple[list[Part], list[Part]]:
    """The semantic models and the metrics of the published database."""
    ((zone,),) = con.execute("select time_zone from build").fetchall()
    wide = {wide_table_name(procedure): procedure for procedure in procedures_of(con)}
    names = Names([*ENTITIES.values()])
    of_wide = {table: names.of_entity(procedure) for table, procedure in wide.items()}
    models: list[Part] = []
    metrics: list[Part] = []
    for table in (*FACTS, *(t for t in ENTITIES if t not in FACTS), *wide):
        columns = described_columns(con, table)
        if not columns:
            continue
        model = SemanticModel(table, columns, zone, names, of_wide)
        models.append(model.written())
        metrics += [_metric(measure) for measure in model.measures]
    return models, [*metrics, *_sla_metrics()]


def _metric(measure: Part) -> Part:
    return {
        "name": measure["name"],
        "label": measure["name"].replace("_", " "),
        "description": measure["description"],
        "type": "simple",
        "type_params": {"measure": {"name": measure["name"]}},
    }


def _sla_metrics() -> Iterator[Part]:
    """The share met, as a ratio of counts: it is right under every filter."""
    counted = {
        "met": ("SLA clocks that were met.", "= 'met'"),
        "judged": ("SLA clocks that were met or breached.", "in ('met', 'breached')"),
    }
    for name, (text, condition) in counted.items():
        yield {
            "name": f"sla_clocks_{name}",
            "label": f"sla clocks {name}",
            "description": text,
            "type": "simple",
            "type_params": {"measure": {"name": "sla_clocks_count"}},
            "filter": f"{{{{ Dimension('sla_clock__status') }}}} {condition}",
        }
    yield {
        "name": "sla_clocks_share_met",
        "label": "sla clocks share met",
        "description": "SLA clocks that were met, divided by those that were met or breached.",
        "type": "ratio",
        "type_params": {
            "numerator": {"name": "sla_clocks_met"},
            "denominator": {"name": "sla_clocks_judged"},
        },
    }


def _spine(con: duckdb.DuckDBPyConnection) -> str:
    """The days from the first one in the data to a year after the last."""
    ((first, last),) = con.execute("select min(day), max(day) + 366 from flow_daily").fetchall()
    ends = f"date '{first or '2000-01-01'}', date '{last or '2000-12-31'}'"
    return f"select cast(unnest(generate_series({ends}, interval 1 day)) as date) as date_day\n"
