"""The queries of the notebook `comparison`: two sides of a funnel, drivers of converting."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb
import polars as pl

from notebooks.parts import funnels
from notebooks.parts.filters import NO_VALUE, Filter
from notebooks.parts.published import ask
from transforms.models.drivers import DriverModel, drivers_or_reason, value_shown

Sides = dict[str, Filter]
"""The two sides by name. Less than two: they are the same."""
_COMPARE = """
    from funnel_compare(
        $path, procedure := $procedure, within := cast($within as interval), mode := $mode,
        by := $column, groups := $groups, periods := $periods, mix := $mix
    ) order by step_no
"""


def two_values(column: str, first: str, second: str) -> Sides:
    """The processes with one and with another value of a column."""
    return {value: Filter(column=column, value=value) for value in (first, second)}


def two_periods(before: Sequence[date], after: Sequence[date]) -> Sides:
    """The processes that entered in one and in another period."""
    return {f"{first} to {last}": Filter(first, last) for first, last in (before, after)}


def steps_of(con: duckdb.DuckDBPyConnection, sides: Sides, **asked: Any) -> pl.DataFrame:
    """The rows of the macro `funnel` for each side, with its name as `side`."""
    found = [
        funnels.steps_of(con, only=only, **asked).with_columns(pl.lit(name).alias("side"))
        for name, only in sides.items()
    ]
    return pl.concat(found)


def is_one_empty(steps: pl.DataFrame, sides: Sides) -> bool:
    """Whether no process entered on one of the sides."""
    return steps.filter(step_no=1).filter(pl.col("processes") > 0).height < len(sides)


def differences(
    con: duckdb.DuckDBPyConnection,
    sides: Sides,
    *,
    procedure: str,
    funnel: funnels.Funnel,
    states: list[str],
    mode: str,
    window: funnels.Window,
    mix: str | None,
) -> pl.DataFrame:
    """The rows of the macro `funnel_compare`; between values of a column there is no `mix`."""
    both = list(sides.values())
    column = both[0].column
    given = {
        "path": funnels.path_of(con, procedure, funnel, states),
        "procedure": procedure,
        "within": window.length,
        "mode": mode,
        "column": column,
        "groups": [side.value for side in both] if column else None,
        "periods": None if column else [[side.first_day, side.last_day] for side in both],
        "mix": mix,
    }
    return ask(con, _COMPARE, **given)


def table(differences: pl.DataFrame, sides: Sides) -> pl.DataFrame:
    """The figures behind the charts, with the names of the sides."""
    columns = [
        "step",
        *(f"{name}_{side}" for side in ("first", "second") for name in ("entered", "reached")),
        *("share_first", "share_second"),
        *(pl.col(name).alias(f"share_{name}") for name in ("difference", "from_mix", "from_rate")),
    ]
    shown = differences.select(columns)
    names = dict(zip(("first", "second"), sides, strict=True))
    return shown.rename(
        {
            name: name.removesuffix(f"_{end}") + f": {names[end]}"
            for name in shown.columns
            for end in names
            if name.endswith(f"_{end}")
        }
    )


def drivers(con: duckdb.DuckDBPyConnection, procedure: str, funnel: funnels.Funnel) -> pl.DataFrame:
    """The rows of `conversion_drivers` of a funnel, with a name of the attribute and value."""
    query = """
        select
            attribute || ': ' || coalesce(value, $no_value) as row,
            attribute, coalesce(value, $no_value) as value, processes, converted,
            share as share_converted, share_low, share_high, share_of_others, waiting,
            round(odds_ratio, 2) as odds_ratio, round(odds_ratio_low, 2) as odds_ratio_low,
            round(odds_ratio_high, 2) as odds_ratio_high, round(p_adjusted, 3) as p_adjusted,
            n_tests, is_small
        from conversion_drivers
        where procedure = $procedure and funnel = $funnel
        order by attribute, odds_ratio desc nulls last, value
    """
    return ask(con, query, procedure=procedure, funnel=funnel.name, no_value=NO_VALUE)


def model_of(
    con: duckdb.DuckDBPyConnection, procedure: str, funnel: funnels.Funnel
) -> DriverModel | str:
    """The values together, each with the others held equal; a sentence if there is no model."""
    return drivers_or_reason(con, procedure, funnel.name or "")


def model_table(model: DriverModel) -> pl.DataFrame:
    """The effects of the model, the strongest first, with values as text."""
    shown = [value_shown(*row) for row in model.effects.select("value", "n_pooled").iter_rows()]
    return model.effects.select(
        "attribute",
        pl.Series("value", shown, dtype=pl.String),
        "processes",
        "share_converted",
        "share_adjusted",
        pl.col("odds_ratio_alone", "odds_ratio_adjusted").round(2),
        pl.col("strength").round(3),
    )
