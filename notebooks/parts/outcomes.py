"""The queries of the notebook `outcomes`: curves, and shares by month and age."""

import duckdb
import polars as pl

from notebooks.parts.published import ask

_MAX_VALUES = 8
_LEAST_SHOWN = 0.001
_MAX_POINTS = 200  # a line needs no more points to look smooth
# The confidence interval is null at shares of 0 and 1: there the band has no width.
_CURVE = """
    day, at_risk, cumulative_incidence,
    coalesce(lower_95, cumulative_incidence) as lower_95,
    coalesce(upper_95, cumulative_incidence) as upper_95
"""
# Curves end where fewer than 5 processes are at risk (`is_small`).
_THINNED = "day % (max(day) over () // $points + 1) = 0"


def compared_attributes(con: duckdb.DuckDBPyConnection, procedure: str) -> list[str]:
    """The attributes by which the curves of a procedure are compared."""
    query = "select distinct attribute from outcome_curves_by where procedure = $procedure"
    return sorted(ask(con, query, procedure=procedure)["attribute"])


def curves(con: duckdb.DuckDBPyConnection, procedure: str) -> pl.DataFrame:
    """A curve (`line`) for each outcome that has occurred, by days since creation."""
    query = f"""
        select c.outcome as line, {_CURVE}
        from outcome_curves as c
        inner join time_to_outcome as t using (procedure, outcome)
        where c.procedure = $procedure and c.outcome <> 'any' and t.events > 0 and not c.is_small
        qualify {_THINNED}
        order by t.events desc, line, day
    """
    return ask(con, query, procedure=procedure, points=_MAX_POINTS)


def curves_by(
    con: duckdb.DuckDBPyConnection, procedure: str, *, attribute: str, outcome: str
) -> pl.DataFrame:
    """A curve (`line`) for each of the most frequent values, in that order."""
    query = f"""
        with shown as (
            from outcome_curves_by
            where procedure = $procedure and attribute = $attribute and outcome = $outcome
        ),
        sizes as (
            select value, row_number() over (order by at_risk desc, value) as place
            from shown where day = 0
        )
        select coalesce(s.value, '(no value)') as line, {_CURVE}
        from shown as s inner join sizes as z on z.value is not distinct from s.value
        where z.place <= $most and not s.is_small
        qualify {_THINNED}
        order by z.place, day
    """
    given = {"procedure": procedure, "attribute": attribute, "outcome": outcome}
    return ask(con, query, points=_MAX_POINTS, most=_MAX_VALUES, **given)


def tested(con: duckdb.DuckDBPyConnection, procedure: str, *, attribute: str, outcome: str) -> str:
    """Whether the curves of an attribute's values differ by more than chance, in a sentence."""
    query = """
        select p_adjusted, n_tests, not_tested_because from outcome_curve_tests
        where procedure = $procedure and attribute = $attribute and outcome = $outcome
    """
    given = {"procedure": procedure, "attribute": attribute, "outcome": outcome}
    ((p_adjusted, n_tests, why),) = ask(con, query, **given).rows()
    if why:
        return f"Gray's test of equal curves cannot be made: {why}."
    found = "p < 0.001" if p_adjusted < _LEAST_SHOWN else f"p = {p_adjusted:.3f}"
    return f"Gray's test of equal curves: {found}, adjusted for {n_tests} comparisons (Holm)."


def without_outcome(con: duckdb.DuckDBPyConnection, procedure: str) -> tuple[int, int]:
    """How many processes have no outcome yet, and how many there are."""
    query = """
        select n_censored, processes from time_to_outcome
        where procedure = $procedure and outcome = 'any'
    """
    return next(iter(ask(con, query, procedure=procedure).rows()), (0, 0))


def by_age(con: duckdb.DuckDBPyConnection, procedure: str, *, outcome: str) -> pl.DataFrame:
    """Shares by month of creation and age, for `time_charts.triangle`; nulls are left out."""
    query = f"""
        select
            strftime(cohort, '%Y-%m') || format('  ({{:,}})', processes) as month,
            age_days || ' d' as age, share_{outcome} as share, is_small,
            format('{{:.0f}} %', 100 * share_{outcome}) as text
        from cohort_outcomes
        where procedure = $procedure and share_{outcome} is not null
        order by cohort, age_days
    """
    return ask(con, query, procedure=procedure)
