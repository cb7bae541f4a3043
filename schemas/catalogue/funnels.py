"""The funnel tables."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputColumn,
    OutputMacro,
    OutputTable,
    attribute_value,
    count,
    day,
    in_order,
    instant,
    seconds,
    share,
    share_limits,
    small_sample,
    text,
)
from schemas.catalogue.shared import SHARED

_NONE_REACHED = "if no process reached the step"
_ONLY_REACHED = "only of processes that have reached the step so far"
_NO_WINDOW = (
    "if the funnel has no `within`, and until a process has been in it for as long as the window"
)
_CAN_RISE = "can still rise while `immature` is above 0"
_MODES = (
    "Each funnel is computed in every mode, so filter by `mode`. `ordered`: step k is reached by "
    "the first visit to one of its states, or its first outcome, after the event that reached the "
    "previous step; anything may lie between. `strict`: only by the directly following visit. "
    "`any_order`: step k is reached when k of the steps have been done. `reached`: a state of "
    "higher rank counts for a step too, except for cancelled processes."
)

FUNNEL_PROGRESS = OutputTable(
    "funnel_progress",
    "mart",
    f"How far each process got in each funnel of the procedures it was in. {_MODES} A process "
    "enters at its first visit to step 1 (with `entry: best`, the one from which it gets "
    "furthest); in `any_order` at whichever step comes first, in `reached` at the first state of "
    "the rank of step 1 or higher, so more processes enter. Steps count within the funnel's "
    "window, measured from the entry, and within their own windows, measured from the previous "
    "step; the end of a window is included. Two steps with the same state need two visits, except "
    "in `reached`. Events at the same instant are ordered by version.",
    "one row per funnel, mode, process and step reached",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            "process_id",
            "team_id",
            "step_no",
            "step",
            instant(
                "reached_at",
                "When the visit or outcome that reached the step began; never before the previous "
                "step.",
            ),
            seconds(
                "seconds_from_first", "From reaching step 1 to reaching this step; 0 on step 1."
            ),
            seconds(
                "seconds_from_previous",
                "From reaching the previous step to reaching this one.",
                nulls="on step 1",
            ),
            text(
                "stop_reason",
                "Why the process got no further than this step: `finished` (it is the last one), "
                "`excluded` (it entered a state that the funnel excludes), `strayed` (mode "
                "`strict`: it moved to another state or procedure), `moved_out` (its procedure is "
                "another one now), otherwise `completed`, `cancelled` or `deleted` by the "
                "process's outcome, otherwise `out_of_time` (open, but a window has passed) or "
                "`open` (may still advance).",
                nulls="except on the last step reached",
                open_rule="a reopened process counts as open",
            ),
            "is_observed_from_start",
        ),
    ),
    key=("procedure", "funnel", "mode", "process_id", "step_no"),
)

_SUMS: tuple[str | OutputColumn, ...] = (
    "step_no",
    "step",
    count("processes", "Processes that reached the step.", open_rule=_CAN_RISE),
    share(
        "share_of_first",
        "`processes` of this step divided by `processes` of step 1.",
        nulls="if no process entered the funnel",
        open_rule=_CAN_RISE,
    ),
    share(
        "share_of_previous",
        "`processes` of this step divided by `processes` of the previous step that is not "
        "optional; 1 on step 1.",
        nulls="if no process reached the previous step; on step 1 if none entered",
        open_rule="can still change while `immature` is above 0",
    ),
    seconds(
        "median_seconds_from_first",
        "Median of the time from step 1 to this step, interpolated linearly.",
        nulls=_NONE_REACHED,
        open_rule=_ONLY_REACHED,
    ),
    seconds(
        "p90_seconds_from_first",
        "90th percentile of the time from step 1 to this step, interpolated linearly.",
        nulls=_NONE_REACHED,
        open_rule=_ONLY_REACHED,
    ),
    seconds(
        "median_seconds_from_previous",
        "Median of the time from the previous step to this step, interpolated linearly.",
        nulls=f"on step 1, and {_NONE_REACHED}",
        open_rule=_ONLY_REACHED,
    ),
    count(
        "immature",
        "Open processes that entered the funnel, have not reached this step and still may: no "
        "window has passed at the build's as_of, and no event has ended the attempt. 0 on step 1.",
        open_rule="while above 0, the share of this step can still rise",
    ),
    *share_limits("share_of_first", nulls="if no process entered the funnel", open_rule=_CAN_RISE),
    small_sample("processes that entered the funnel"),
    count(
        "n_left_out",
        "Processes that entered the funnel but began before `observed_since` (see "
        "`observation_starts`): those that lasted until then, and in none of the other figures.",
    ),
    share(
        "share_of_first_adjusted",
        "`share_of_first` as it will be once no process can still reach the step within the "
        "window, as far as open processes let it be known: an immature month can be compared with "
        "others. One minus the Kaplan-Meier estimate over the time from the entry; processes that "
        "have left stay at risk up to the build's as_of, so that it is the cumulative incidence "
        "with leaving as competing outcome. Equals `share_of_first` if all entered as long ago as "
        "the window. Source: Fine and Gray (1999), section on complete censoring times.",
        nulls=_NO_WINDOW,
        open_rule="open processes are included as censored",
    ),
    *(
        share(
            f"share_of_first_adjusted_{end}",
            f"{side} limit of the 95 % interval of `share_of_first_adjusted`: Greenwood's formula, "
            "on the scale log(-log(1 - share)).",
            nulls=f"{_NO_WINDOW}; if the share is 0 or 1",
            open_rule="open processes are included as censored",
        )
        for end, side in (("low", "Lower"), ("high", "Upper"))
    ),
)

FUNNEL_STEPS = OutputTable(
    "funnel_steps",
    "mart",
    f"The steps of each funnel with the number of processes that reached them. {_MODES} Counts of "
    "`funnel_progress` where `is_observed_from_start`, steps that no process reached included. "
    "Open, closed and deleted processes count.",
    "one row per funnel, mode and step",
    in_order(SHARED, ("funnel", "procedure", "mode", *_SUMS)),
    key=("procedure", "funnel", "mode", "step_no"),
)

_ASKED = (
    "Arguments as of `funnel`: procedure, within, mode, by, from_date, to_date, unit, filter. "
    "Wrong arguments are an error in every query that reads a row."
)

FUNNEL = OutputMacro(
    "funnel",
    "A table macro for any funnel over states and outcomes: `from funnel(['NEW', 'ACTIVE', "
    "'DONE'], procedure := 'ticket', within := interval 7 days, mode := 'ordered')`. Only the "
    "steps are required. Steps are shortIds of states, in any case. Several states with `|` "
    "between them, such as `'ACTIVE | WAITING'`, are one step, which any of them reaches; "
    "`'outcome: completed'` and `'outcome: cancelled'` are reached by that outcome. Without "
    "`procedure` it covers every procedure that has all the states; `within` is the window from "
    "the entry. `by := 'source'` gives a funnel for each value, at the build's as_of, of a column "
    "of the table of `procedure` (`lead_processes`), `by := 'created_month'` for each month of "
    "creation: `value`, null for processes without one and without `by`. `from_date` and "
    "`to_date` are the first and the last day of entry, in the reporting time zone. `filter := "
    "{'source': 'Website', 'plan': ['Team', null]}` counts only processes whose columns, those of "
    "`by`, have these values: of a list any of them, null for none; numbers are compared as "
    "numbers, all else as text, as in `value`; a map works too. `unit := 'attempt'` (modes "
    "`ordered` and `strict`) counts attempts instead of processes: one begins with each entry "
    "into step 1 (each time, if that is an outcome; a move from one of its states to another does "
    "not begin one) and ends with the next such entry, which may be its last step. `processes`, "
    "`immature` and the shares are then of attempts; those of one process depend on each other, "
    "so that the intervals are too narrow. The modes are those of `funnel_steps`, and the columns "
    "have the same meanings; there is no `n_left_out`, and no adjusted share. Wrong arguments are "
    "an error in every query that reads a row (with `by` or `filter`, an unknown procedure is "
    "DuckDB's error that its table does not exist).",
    "one row per procedure, value and step",
)

FUNNEL_PROCESSES = OutputMacro(
    "funnel_processes",
    "The processes behind the bars of `funnel`: `step` is the last one that a process reached "
    "(`reached_at`, `seconds_from_first`), `stop_reason` why it got no further, as in "
    "`funnel_progress`; `label` and `link` are those of `processes`. With `unit := 'attempt'` "
    "`attempt_no` counts the attempts of a process from 1 (otherwise it is 1), and `restarted` "
    f"means that the next one began within the window. {_ASKED}",
    "one row per procedure and process that entered, or attempt",
)

TIME_TO_CONVERT = OutputMacro(
    "time_to_convert",
    "A histogram of the time from the first step of a funnel to the last: buckets from 1 hour to a "
    "year, of which `to_seconds` is included (null: longer than a year). "
    "`share_of_first_so_far` is of all that entered, those still open included: it can rise. "
    f"{_ASKED}",
    "one row per procedure, value and bucket up to the last one with a process",
)

FUNNEL_COMPARE = OutputMacro(
    "funnel_compare",
    "Two groups or two periods of entry side by side in one funnel: `funnel_compare(['NEW', "
    "'DONE'], procedure := 'lead', by := 'source', groups := ['Event', 'Website'])`, or `periods "
    ":= [['2026-01-01', '2026-01-31'], ['2026-02-01', '2026-02-28']]` (first and last day, in the "
    "reporting time zone). `difference` is second less first share of those that entered, with its "
    "95 % interval (Newcombe 1998, method 10; groups being independent). `mix := 'plan'`, a column "
    "as for `by`, says what moved it: `from_mix` is the sum over its values of (part of second - "
    "part of first) x mean rate, `from_rate` of (rate of second - rate of first) x mean part; both "
    "add up to `difference` (Kitagawa 1955). Part: share of those that entered with the value; "
    "rate: share of these that reached the step; a value that one side lacks has the other side's "
    "rate. Null: shares of a side that nobody entered, and both parts without `mix`. Processes "
    "that entered lately can still advance: compare periods with `within`, once it is over. "
    "Arguments procedure, within, mode, unit and filter as of `funnel`; wrong ones are an error in "
    "every query that reads a row.",
    "one row per procedure and step",
)

FUNNEL_COHORTS = OutputTable(
    "funnel_cohorts",
    "mart",
    "Rows of `funnel_steps` by month of entry: over all months `processes` adds up to that of "
    "`funnel_steps`.",
    "one row per funnel, mode, month of entry and step",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            day("cohort", "First day of the month of entry, in the reporting time zone."),
            *_SUMS,
        ),
    ),
    key=("procedure", "funnel", "mode", "cohort", "step_no"),
)

FUNNEL_BREAKDOWNS = OutputTable(
    "funnel_breakdowns",
    "mart",
    "Rows of `funnel_steps` by the values of the attributes listed under `breakdowns` of a funnel: "
    "over all values of one attribute `processes` adds up to that of `funnel_steps`.",
    "one row per funnel, mode, attribute, value and step",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "mode",
            text("attribute", "shortId of the attribute."),
            text(
                "value_of",
                "Which value counts: `entry` (when the process entered the funnel) or `now` (at "
                "the build's as_of).",
            ),
            attribute_value("value", "The value as text.", nulls="for processes without a value"),
            *_SUMS,
        ),
    ),
)
