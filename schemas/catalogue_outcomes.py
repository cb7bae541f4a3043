"""The tables of outcomes, in words: when processes were completed or cancelled, and how many.

How long finished things took stands in `catalogue_marts.py`.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    DAYS,
    OutputColumn,
    OutputTable,
    count,
    day,
    flag,
    in_order,
    instant,
    seconds,
    share,
    text,
)
from schemas.catalogue_shared import SHARED

_FIRST = "the first outcome counts; a reopening changes nothing"
_AALEN_JOHANSEN = (
    "Aalen-Johansen estimate for competing outcomes: open processes count as long as they have "
    "been watched, deleted ones until their deletion, so that neither passes for one that stays "
    "open for good."
)

PROCESS_OUTCOMES = OutputTable(
    "process_outcomes",
    "core",
    "The time from creation to the first outcome of each process, or for as long as it has been "
    "watched without one: durations with their censoring, as survival analysis takes them.",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            instant("started_at", "Creation, or the first version if that is earlier."),
            text(
                "outcome",
                "The first outcome: `completed` or `cancelled`.",
                nulls="when there has been none",
                open_rule=_FIRST,
            ),
            instant(
                "ended_at",
                "When the first outcome came; without one the deletion, else the build's as_of.",
                open_rule="an open process without an outcome ends at the build's as_of",
            ),
            seconds(
                "seconds",
                "From `started_at` to `ended_at`.",
                open_rule="of processes without an outcome it is a lower limit",
            ),
            text("ended_by", "What ended the time: `outcome`, `deleted` or `open` (the as_of)."),
        ),
    ),
)

_OUTCOME = text("outcome", "`completed`, `cancelled`, or `any` of them, whichever comes first.")
_DAY = OutputColumn(
    "day", "INTEGER", "Days of 24 h since creation. The row says what holds at their end.", DAYS
)
_CURVE = (
    _OUTCOME,
    _DAY,
    count(
        "at_risk",
        "Processes that were still open and watched after `day` - 1 days (all of them on day 0).",
        open_rule="open ones count up to their age",
    ),
    count("events", "First outcomes of this kind after `day` - 1 and up to `day` days."),
    share(
        "cumulative_incidence",
        f"Share with this outcome within `day` days. {_AALEN_JOHANSEN} For `any` it is one minus "
        "the Kaplan-Meier estimate; completed and cancelled add up to it. Source: Aalen and "
        "Johansen (1978). On the last day it holds for as long as somebody was watched.",
    ),
    share(
        "standard_error",
        "Standard error of `cumulative_incidence` by the delta method (Marubini and Valsecchi "
        "1995, chapter 10); for `any` that is Greenwood's.",
    ),
    share(
        "lower_95",
        "Lower limit of the 95 % confidence interval, on the scale log(-log(incidence)).",
        nulls="where the incidence is 0 or 1",
    ),
    share(
        "upper_95",
        "Upper limit of the 95 % confidence interval, on the scale log(-log(incidence)).",
        nulls="where the incidence is 0 or 1",
    ),
    share(
        "survival",
        "Share without any outcome after `day` days (Kaplan-Meier). The incidences of completed "
        "and cancelled and this add up to 1.",
    ),
)

OUTCOME_CURVES = OutputTable(
    "outcome_curves",
    "mart",
    "How many processes have been completed or cancelled by each day since their creation, open "
    "ones taken into account.",
    "one row per procedure, outcome and day since creation, to the last day somebody was watched",
    in_order(SHARED, ("procedure", *_CURVE)),
)

OUTCOME_CURVES_BY = OutputTable(
    "outcome_curves_by",
    "mart",
    "The rows of `outcome_curves` for each value of the attributes that a procedure names under "
    "`compareBy`.",
    "one row per procedure, attribute, value, outcome and day since creation",
    in_order(
        SHARED,
        (
            "procedure",
            text("attribute", "shortId of the attribute whose values are compared."),
            text(
                "value",
                "Value of the attribute as text, as at the build's as_of.",
                nulls="for processes without a value",
            ),
            *_CURVE,
        ),
    ),
)

_REACHED = "until that share of all processes is estimated to have had the outcome"


def _quantile(name: str, part: str) -> OutputColumn:
    return seconds(
        name,
        f"Shortest time since creation by which {part} of all processes have had this outcome, by "
        "the estimate of `outcome_curves`, at exact times.",
        nulls=_REACHED,
        open_rule="open ones are taken into account, and make it later or null",
    )


TIME_TO_OUTCOME = OutputTable(
    "time_to_outcome",
    "mart",
    "Median and other quantiles of the time to an outcome over all processes, open ones included. "
    "Medians of finished processes alone (`duration_stats`) are too short while many are open.",
    "one row per procedure and outcome",
    in_order(
        SHARED,
        (
            "procedure",
            _OUTCOME,
            count("processes", "All processes of the procedure, deleted ones too."),
            count("events", "Processes whose first outcome was this one.", open_rule=_FIRST),
            count(
                "n_censored",
                "Processes without any outcome yet: open, or deleted before one.",
            ),
            _quantile("p25_seconds", "a quarter"),
            _quantile("p50_seconds", "half"),
            _quantile("p75_seconds", "three quarters"),
            _quantile("p90_seconds", "nine tenths"),
        ),
    ),
)

_UNSEEN = "until the whole month has reached the age: its last instant + `age_days`"

COHORT_OUTCOMES = OutputTable(
    "cohort_outcomes",
    "mart",
    "What became of the processes created in each month by some ages: 1, 3, 7, 14, 30, 60, 90 and "
    "180 days. Processes deleted before any outcome are left out.",
    "one row per procedure, month of creation and age",
    in_order(
        SHARED,
        (
            "procedure",
            day("cohort", "First day of the month of creation, in the reporting time zone."),
            OutputColumn(
                "age_days",
                "INTEGER",
                "Age in days of 24 h since the creation of each process.",
                DAYS,
            ),
            count("processes", "Processes created in the month so far."),
            share(
                "share_completed",
                "Share whose first outcome, within `age_days` of creation, was completion.",
                nulls=_UNSEEN,
                open_rule=_FIRST,
            ),
            share(
                "share_cancelled",
                "Share whose first outcome, within `age_days` of creation, was cancellation.",
                nulls=_UNSEEN,
                open_rule=_FIRST,
            ),
            flag("is_observed", "Whether the whole month has reached the age."),
        ),
    ),
)
