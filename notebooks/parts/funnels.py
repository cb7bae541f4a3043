"""The queries of the notebook `conversion` on funnels: published tables or the macro `funnel`.

The macro is asked for funnels whose steps are single states. Others (conditions, groups of states)
are shown in the window of their definition only.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb
import polars as pl

from notebooks.parts.filters import EVERYTHING, Filter
from notebooks.parts.published import ask, bins, in_words

OWN_STATES = "custom states"
MODES = {
    "ordered": "steps in this order, with anything in between",
    "strict": "each step directly after the previous one",
    "any_order": "steps in any order",
    "reached": "states of higher rank count for a step too",
}
BARS = {"processes": "reached", "immature": "may still reach it"}
_MAX_VALUES = 8
_DAYS = (1, 2, 3, 7, 14, 30, 60, 90, 180)
_STEPS = """
    select
        step_no, step, processes, share_of_first, share_of_previous, median_seconds_from_first,
        p90_seconds_from_first, immature, share_of_first_low, share_of_first_high, is_small
"""
_ASKED = "$path, procedure := $procedure, within := cast($within as interval), mode := $mode"
_FILTERED = """
    by := $column, from_date := $first_day, to_date := $last_day
) where value is not distinct from $value
"""
_MACRO = f"from funnel({_ASKED}, {_FILTERED}"
_PUBLISHED = "from funnel_steps where procedure = $procedure and funnel = $funnel and mode = $mode"
_PROGRESS = """
    select
        f.process_id, max(f.step_no) as step_no, arg_max(f.step, f.step_no) as step,
        arg_max(f.stop_reason, f.step_no) as stop_reason, min(f.reached_at) as entered_at,
        max(f.reached_at) as reached_at, max(f.seconds_from_first) as seconds_from_first,
        any_value(p.label) as label, any_value(p.link) as link
    from funnel_progress as f inner join processes as p on p.process_id = f.process_id
    where f.procedure = $procedure and f.funnel = $funnel and f.mode = $mode
        and f.is_observed_from_start
    group by f.process_id
"""


@dataclass(frozen=True)
class Window:
    """How long after the first step others count; None: no limit.

    `is_defined` marks the window of the definition, whose figures are published.
    """

    length: timedelta | None
    is_defined: bool = False


@dataclass(frozen=True)
class Funnel:
    """A funnel of a procedure; without a name, one over states that the reader selects."""

    name: str | None
    window: Window
    states: list[str]
    can_use_macro: bool = True

    @property
    def windows(self) -> dict[str, Window]:
        """The selectable windows by label, the default first."""
        choices = {} if self.name is None else {f"as defined ({_label(self.window)})": self.window}
        if self.can_use_macro:
            choices["no limit"] = Window(None)
            choices |= {f"{n} d": Window(timedelta(days=n)) for n in _DAYS}
        return choices


def funnels_of(con: duckdb.DuckDBPyConnection, procedure: str) -> dict[str, Funnel]:
    """The funnels of a procedure, longest first, then one over states that the reader selects."""
    rows = ask(
        con,
        """
        select f.funnel, f.within_seconds, list(s.step order by s.step_no) as steps
        from funnels as f
        inner join funnel_steps as s
            on s.procedure = f.procedure and s.funnel = f.funnel and s.mode = 'ordered'
        where f.procedure = $procedure
        group by f.funnel, f.within_seconds, f.n_steps
        order by f.n_steps desc, f.funnel
        """,
        procedure=procedure,
    ).rows()
    states = states_of(con, procedure)
    known: dict[str, Funnel] = {}
    for name, seconds, path in rows:
        window = Window(None if seconds is None else timedelta(seconds=seconds), is_defined=True)
        is_plain = set(path) <= set(states) and _macro_agrees(con, procedure, name, window, path)
        known[name] = Funnel(name, window, path, can_use_macro=is_plain)
    return known | {OWN_STATES: Funnel(None, Window(None), [states[0], states[-1]])}


def states_of(con: duckdb.DuckDBPyConnection, procedure: str) -> list[str]:
    """The states of a procedure by rank, without retired ones."""
    query = """
        select state from states
        where procedure = $procedure and not coalesce(is_removed, false) order by state_rank
    """
    return ask(con, query, procedure=procedure)["state"].to_list()


def steps_of(
    con: duckdb.DuckDBPyConnection,
    *,
    procedure: str,
    funnel: Funnel,
    mode: str,
    window: Window,
    states: list[str],
    only: Filter,
) -> pl.DataFrame:
    """The rows of `funnel_steps`, or of the macro for other windows, states and processes.

    `states` are the steps of a funnel without a name, ordered by rank; without any, the result is
    empty.
    """
    if funnel.name is not None and window.is_defined and only.is_everything:
        query = f"{_STEPS} {_PUBLISHED} order by step_no"
        return ask(con, query, procedure=procedure, funnel=funnel.name, mode=mode)
    path = path_of(con, procedure, funnel, states)
    if not path:
        return pl.DataFrame()
    given = {"path": path, "procedure": procedure, "within": window.length, "mode": mode}
    return ask(con, f"{_STEPS} {_MACRO} order by step_no", **given, **vars(only))


def path_of(
    con: duckdb.DuckDBPyConnection, procedure: str, funnel: Funnel, states: list[str]
) -> list[str]:
    """The steps of a funnel; without a name, those of `states` that the procedure has, by rank."""
    if funnel.name is not None:
        return funnel.states
    return [state for state in states_of(con, procedure) if state in states]


def processes_of(
    con: duckdb.DuckDBPyConnection, steps: pl.DataFrame, picked: dict[str, str], **asked: Any
) -> pl.DataFrame:
    """The processes behind a bar, latest entry first: those that reached a step, or still may.

    `picked` has the step and which of `BARS`, `asked` what `steps_of` was asked for. At most 500;
    `n` is their number.
    """
    is_waiting = picked["which"] == BARS["immature"]
    behind = "step_no < $step_no and stop_reason = 'open'" if is_waiting else "step_no >= $step_no"
    entered, given = _entered(con, **asked)
    query = f"""
        with entered as ({entered})
        select
            coalesce(label, process_id::varchar) as process, step as came_to, stop_reason,
            strftime(entered_at, '%Y-%m-%d %H:%M') as entered_at,
            strftime(reached_at, '%Y-%m-%d %H:%M') as came_there_at,
            seconds_from_first, link, count(*) over () as n
        from entered where {behind}
        order by entered.entered_at desc, process_id limit 500
    """
    step_no = steps["step_no"].filter(steps["step"] == picked["step"])[0]
    return ask(con, query, step_no=step_no, **given)


def times_to_last(
    con: duckdb.DuckDBPyConnection, steps: pl.DataFrame, **asked: Any
) -> pl.DataFrame:
    """Bins of the times from the first step to the last one, of what `steps_of` was asked for."""
    entered, given = _entered(con, **asked)
    query = f"""
        select e.seconds_from_first as seconds from ({entered}) as e where e.step_no = $step_no
    """
    return bins(con, query, step_no=steps["step_no"][-1], **given)


def _entered(
    con: duckdb.DuckDBPyConnection,
    *,
    procedure: str,
    funnel: Funnel,
    mode: str,
    window: Window,
    states: list[str],
    only: Filter,
) -> tuple[str, dict[str, Any]]:
    """The relation of the processes that entered, with the step they came to, and its values."""
    given = {"procedure": procedure, "funnel": funnel.name, "mode": mode, "within": window.length}
    given |= {"path": path_of(con, procedure, funnel, states), **vars(only)}
    if funnel.can_use_macro:
        return f"from funnel_processes({_ASKED}, {_FILTERED}", given
    return _PROGRESS, given


def breakdowns_of(con: duckdb.DuckDBPyConnection, procedure: str, funnel: Funnel) -> list[str]:
    """The attributes by which a funnel is broken down."""
    query = """
        select distinct attribute from funnel_breakdowns
        where procedure = $procedure and funnel = $funnel order by attribute
    """
    return ask(con, query, procedure=procedure, funnel=funnel.name)["attribute"].to_list()


def broken_down(
    con: duckdb.DuckDBPyConnection, procedure: str, funnel: Funnel, *, mode: str, attribute: str
) -> pl.DataFrame:
    """The steps after the first, for the most frequent of the `n_values` values."""
    query = """
        with shown as (
            from funnel_breakdowns
            where procedure = $procedure and funnel = $funnel and mode = $mode
                and attribute = $attribute
        ),
        sizes as (
            select
                value,
                row_number() over (order by processes desc, value) as place,
                count(*) over () as n_values
            from shown where step_no = 1
        )
        select
            coalesce(s.value, '(no value)') as value,
            s.step, s.share_of_first, s.share_of_first_low, s.share_of_first_high,
            s.processes, s.immature, s.is_small, z.n_values
        from shown as s inner join sizes as z on z.value is not distinct from s.value
        where z.place <= $most and s.step_no > 1
        order by z.place, s.step_no
    """
    given = {"procedure": procedure, "funnel": funnel.name, "mode": mode, "attribute": attribute}
    return ask(con, query, most=_MAX_VALUES, **given)


def by_month(
    con: duckdb.DuckDBPyConnection, procedure: str, funnel: Funnel, *, mode: str
) -> pl.DataFrame:
    """Shares by month of entry and step (from the second on), for `time_charts.triangle`."""
    query = """
        select
            strftime(cohort, '%Y-%m') || format('  ({:,})', first_value(processes) over steps)
                as month,
            step, share_of_first as share, immature, is_small,
            format('{:.0f} %', 100 * share_of_first) || if(immature > 0, ' ↑', '') as text
        from funnel_cohorts
        where procedure = $procedure and funnel = $funnel and mode = $mode
        window steps as (partition by cohort order by step_no)
        qualify step_no > 1 and share_of_first is not null
        order by cohort, step_no
    """
    return ask(con, query, procedure=procedure, funnel=funnel.name, mode=mode)


def _macro_agrees(
    con: duckdb.DuckDBPyConnection, procedure: str, funnel: str, window: Window, path: list[str]
) -> bool:
    """Whether the macro gives the published figures for this funnel, so it can be used for it."""
    columns = "select step_no, step, processes, immature"
    differing = f"({columns} {_PUBLISHED}) except ({columns} {_MACRO})"
    given = {"path": path, "procedure": procedure, "within": window.length, "mode": "ordered"}
    return ask(con, differing, funnel=funnel, **given, **vars(EVERYTHING)).is_empty()


def _label(window: Window) -> str:
    return "no limit" if window.length is None else in_words(window.length.total_seconds())
