"""The tables of outcome curves: the share with an outcome by each day since creation."""

from __future__ import annotations

from schemas.catalogue.model import (
    DAYS,
    OutputColumn,
    OutputMacro,
    OutputTable,
    attribute_value,
    count,
    flag,
    in_order,
    number,
    share,
    text,
)
from schemas.catalogue.shared import MOST_TEST_TIMES, SHARED, WRONG_ARGUMENTS, asked_by

FIRST_OUTCOME = "the first outcome counts; a reopening changes nothing"
_AALEN_JOHANSEN = (
    "Aalen-Johansen estimate for competing outcomes: open processes are censored at the build's "
    "as_of, deleted ones at their deletion."
)

SCALE = (
    "on the scale log(-log(incidence)), for `any` on log(-log(survival)) as is usual for "
    "Kaplan-Meier curves"
)
OUTCOME = text("outcome", "`completed`, `cancelled`, or `any` (whichever comes first).")
_DAY = OutputColumn(
    "day", "INTEGER", "Days of 24 h since creation; the row describes the end of that day.", DAYS
)
_CURVE = (
    OUTCOME,
    _DAY,
    count(
        "at_risk",
        "Processes without an outcome and under observation at some time after `day` - 1 and up "
        "to `day` days (on day 0: at the start).",
        open_rule="open processes count up to their age, those that began before "
        "`observed_since` from their age at their first version",
    ),
    count("events", "First outcomes of this kind after `day` - 1 and up to `day` days."),
    share(
        "cumulative_incidence",
        f"Share with this outcome within `day` days. {_AALEN_JOHANSEN} For `any` it is one minus "
        "the Kaplan-Meier estimate; completed and cancelled add up to it. Source: Aalen and "
        "Johansen (1978). On the last day it holds for as long as any process was under "
        "observation.",
    ),
    share(
        "standard_error",
        "Standard error of `cumulative_incidence` by the delta method (Marubini and Valsecchi "
        "1995, chapter 10); for `any` that is Greenwood's.",
    ),
    share(
        "lower_95",
        f"Lower limit of the 95 % confidence interval, {SCALE}.",
        nulls="if the incidence is 0 or 1",
    ),
    share(
        "upper_95",
        f"Upper limit of the 95 % confidence interval, {SCALE}.",
        nulls="if the incidence is 0 or 1",
    ),
    share(
        "survival",
        "Share without any outcome after `day` days (Kaplan-Meier). It and the incidences of "
        "completed and cancelled add up to 1.",
    ),
    flag(
        "is_small",
        "Whether fewer than 5 processes were at risk on this or an earlier day, or at the time of "
        "an outcome by then. From here on the curve says little: charts end it here.",
    ),
)

OUTCOME_CURVES = OutputTable(
    "outcome_curves",
    "mart",
    "Share of processes completed or cancelled by each day since their creation, open processes "
    "included as censored, those created before `observed_since` from their first version on.",
    "one row per procedure, outcome and day since creation, to the last day with a process "
    "under observation",
    in_order(SHARED, ("procedure", *_CURVE)),
    key=("procedure", "outcome", "day"),
)

OUTCOME_CURVES_BY = OutputTable(
    "outcome_curves_by",
    "mart",
    "Rows of `outcome_curves` by the values of the attributes listed under `compareBy` of a "
    "procedure.",
    "one row per procedure, attribute, value, outcome and day since creation",
    in_order(
        SHARED,
        (
            "procedure",
            text("attribute", "shortId of the attribute whose values are compared."),
            attribute_value(
                "value",
                "Value of the attribute as text, at the build's as_of.",
                nulls="for processes without a value",
            ),
            *_CURVE,
        ),
    ),
    key=("procedure", "attribute", "value", "outcome", "day"),
)

CURVE = OutputMacro(
    "curve",
    "A table macro for the curve of one outcome (`completed`, `cancelled` or `any`), for any "
    "group: `from curve('lead', 'completed', by := 'plan', from_date := '2026-01-01')`; null "
    "stands for every procedure. The columns are those of `outcome_curves`, by the same formulas. "
    "`with_deleted := true` takes the deletion of a process without an outcome for an outcome "
    "itself, `deleted`, which competes with the others and counts in `any`, instead of censoring "
    "it: what is deleted can no longer be completed. The incidences of completed, cancelled and "
    "deleted and `survival` then add up to 1. "
    f"{asked_by('creation')} {WRONG_ARGUMENTS}",
    "one row per procedure, value and day since creation, to the last day with a process under "
    "observation",
)

OPEN_OUTLOOK = OutputMacro(
    "open_outlook",
    "A table macro for what may become of each open process, given its state and how long it has "
    "been there: `from open_outlook(procedure := 'lead', days := 30)`, with `by := 'source'` "
    "among processes with the same value of a column (as for `curve`). `share_completed` and "
    "`share_cancelled`: the share with this outcome within the next `days` days of 24 h: "
    "(incidence then - incidence now) / share without an outcome now; with `share_open` they add "
    "up to 1. `p50_remaining_seconds` and `p75_remaining_seconds`: the time by which half, and "
    "three quarters, had an outcome, from now on. `based_on` says by which curve. `state`: "
    "earlier stays in the same state that lasted longer than the landmark at or before its own "
    "`seconds_in_state`, followed to the first outcome through whatever states came next "
    "(landmark Aalen-Johansen estimator, Putter and Spitoni 2018, which does not assume that the "
    "time before makes no difference); landmarks are so close that of those that lasted until one"
    " at most about an eighth left before the next. Only stays that began before the first "
    "outcome, of processes observed from their start. `age`: all processes of the procedure, by "
    "the time since creation, as in `outcome_curves`: where fewer than 20 stays lasted longer "
    "than its own, their curve ends before `days` from now, or when it entered the state is not "
    "known; with `given := 'age'` always. `at_risk`: those under observation at the end of "
    "`days`; `is_small`: fewer than 5, so that the shares say little. Null: the shares where the "
    "curve ends before that (as for the oldest processes), the times until that share has an "
    "outcome, and all of them for a process that had an outcome before (`is_reopened`), which "
    "curves leave "
    f"out. The assignee does not count. {WRONG_ARGUMENTS}",
    "one row per open process",
)

_NOT_TESTED = "if `not_tested_because` says why"

OUTCOME_CURVE_TESTS = OutputTable(
    "outcome_curve_tests",
    "mart",
    "Whether the curves of `outcome_curves_by` differ between the values of an attribute by more "
    "than chance: Gray's test of equal cumulative incidence (K samples, rho = 0), processes that "
    "began before `observed_since` at risk as in the curves. It compares the values as of the "
    "build, takes processes as independent, and sees crossing curves badly.",
    "one row per procedure, attribute of `compareBy` and outcome",
    in_order(
        SHARED,
        (
            "procedure",
            text("attribute", "shortId of the attribute whose values are compared."),
            OUTCOME,
            count(
                "n_groups",
                "Values compared: the 8 most frequent of those with at least 5 processes ever at "
                "risk.",
            ),
            count("processes", "Processes with these values that were ever at risk."),
            count("n_left_out", "Processes with other values, or without one."),
            count(
                "events", "First outcomes of this kind among `processes`.", open_rule=FIRST_OUTCOME
            ),
            number(
                "statistic",
                "DOUBLE",
                "Gray's statistic: the scores of all groups but one (outcomes less those expected "
                "if all had the same incidence), in units of their covariances. Source: Gray "
                "(1988); ties as in the R package cmprsk, whose values it gives. Of more than "
                f"{MOST_TEST_TIMES:,} times of outcomes every n-th is kept, and outcomes since "
                "the one before count at it.",
                nulls=_NOT_TESTED,
            ),
            number(
                "degrees_of_freedom",
                "INTEGER",
                "One less than `n_groups`.",
                nulls=_NOT_TESTED,
            ),
            share(
                "p_value",
                "Chance of a statistic this large or larger if the groups did not differ: the "
                "upper tail of the chi-square distribution.",
                nulls=_NOT_TESTED,
            ),
            count(
                "n_tests",
                "Tests of the procedure, over all attributes and outcomes, that have a `p_value`.",
            ),
            share(
                "p_adjusted",
                "`p_value` adjusted for the number of comparisons `n_tests` by Holm (1979): the "
                "chance that any test of the procedure is this small though no groups differ is "
                "no greater. Read this one.",
                nulls=_NOT_TESTED,
            ),
            text(
                "not_tested_because",
                "`fewer than two groups`; `no such outcome`; `a group ran empty` (all of it at "
                "risk had ended, and others entered later); `never at risk together`.",
                nulls="if there is a test",
            ),
        ),
    ),
    key=("procedure", "attribute", "outcome"),
)
