"""The tables of outcomes: when processes were completed or cancelled, and what share of them."""

from __future__ import annotations

from schemas.catalogue.model import (
    DAYS,
    OutputColumn,
    OutputMacro,
    OutputTable,
    count,
    day,
    flag,
    in_order,
    instant,
    seconds,
    share,
    share_limits,
    small_sample,
    text,
)
from schemas.catalogue.outcome_curves import FIRST_OUTCOME, OUTCOME, SCALE
from schemas.catalogue.shared import LEAST_LEFT_TRUNCATED, SHARED, WRONG_ARGUMENTS, asked_by

OBSERVATION_STARTS = OutputTable(
    "observation_starts",
    "core",
    "The instant from which the data has all changes of a procedure's processes. Processes that "
    "began earlier (left-truncated) are in the data only if they lasted until then.",
    "one row per procedure",
    in_order(
        SHARED,
        (
            "procedure",
            instant(
                "observed_since",
                "Start of the day `observedSince` of the definition (in the reporting time zone). "
                f"Otherwise inferred: `first_version_at` if {LEAST_LEFT_TRUNCATED} processes or "
                "more began before that day, else the start of its first process. An "
                "export that begins with older versions of the processes open then needs "
                "`observedSince`.",
                nulls="if nothing is given and there are no versions",
            ),
            text(
                "observed_since_source",
                "`given` by the definition or `inferred` from the versions.",
                nulls="if `observed_since` is null",
            ),
            instant(
                "first_version_at",
                "`updatedAt` of the first version of the procedure.",
                nulls="if there are no versions that are not deleted",
            ),
            count("processes", "Processes whose first procedure it is, deleted ones included."),
            count("n_left_truncated", "Those of them that began before `observed_since`."),
        ),
    ),
    key=("procedure",),
)

PROCESS_OUTCOMES = OutputTable(
    "process_outcomes",
    "core",
    "Time from creation to the first outcome of each process; without one, the time under "
    "observation (censored): the input for survival analysis.",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            instant("started_at", "Creation, or the first version if that is earlier."),
            text(
                "outcome",
                "The first outcome: `completed` or `cancelled`.",
                nulls="if there is none yet",
                open_rule=FIRST_OUTCOME,
            ),
            instant(
                "ended_at",
                "Time of the first outcome; without one the deletion, otherwise the build's as_of.",
                open_rule="an open process without an outcome ends at the build's as_of",
            ),
            seconds(
                "seconds",
                "From `started_at` to `ended_at`.",
                open_rule="a lower limit for processes without an outcome",
            ),
            text(
                "ended_by",
                "What ended the time: `outcome`, `deleted` or `open` (censored at the as_of).",
            ),
            instant(
                "entered_at",
                "From when on the process is at risk: `started_at`. If that is before the "
                "`observed_since` of its procedure, its first version since then (delayed entry): "
                "processes without one are not known, so that time before it does not count.",
                nulls="if it had ended by then: the process is in no estimate",
            ),
            "is_observed_from_start",
        ),
    ),
    key=("process_id",),
)

_REACHED = "until the estimate reaches that share"


def _quantile(name: str, part: str, whose: str = "all processes") -> OutputColumn:
    return seconds(
        name,
        f"Shortest time since creation by which {part} of {whose} have this outcome, "
        "by the estimate of `outcome_curves` at exact times.",
        nulls=_REACHED,
        open_rule="open processes are included as censored",
    )


def _median_limits() -> tuple[OutputColumn, ...]:
    """The interval of a median (Brookmeyer and Crowley 1982), from the limits of its curve."""
    return tuple(
        seconds(
            f"p50_seconds_{end}",
            f"{side} limit of the 95 % interval of `p50_seconds`: the shortest time at which the "
            f"{other} limit of the curve ({SCALE}) reaches one half. Source: Brookmeyer and "
            "Crowley (1982).",
            nulls="until that limit reaches one half",
            open_rule="open processes are included as censored",
        )
        for end, side, other in (("low", "Lower", "upper"), ("high", "Upper", "lower"))
    )


TIME_TO_OUTCOME = OutputTable(
    "time_to_outcome",
    "mart",
    "Median and other quantiles of the time to an outcome over all processes, open ones included "
    "as censored. Medians of finished processes only (`duration_stats`) are too short while many "
    "are open.",
    "one row per procedure and outcome",
    in_order(
        SHARED,
        (
            "procedure",
            OUTCOME,
            count(
                "processes",
                "Processes of the procedure that were ever at risk, deleted ones included.",
            ),
            count("events", "Processes whose first outcome was this one.", open_rule=FIRST_OUTCOME),
            count(
                "n_censored",
                "Processes without any outcome yet: open, or deleted before one.",
            ),
            _quantile("p25_seconds", "a quarter"),
            _quantile("p50_seconds", "half"),
            _quantile("p75_seconds", "three quarters"),
            _quantile("p90_seconds", "nine tenths"),
            *_median_limits(),
            count(
                "n_entered_late",
                "Those of `processes` that began before `observed_since`: at risk only after their "
                "first version since then.",
            ),
            count(
                "n_left_out",
                "Processes that began before `observed_since` and had ended with their first "
                "version since then: never at risk and in none of the figures.",
            ),
            small_sample("such outcomes"),
        ),
    ),
    key=("procedure", "outcome"),
)

TIME_TO_OUTCOME_COHORTS = OutputTable(
    "time_to_outcome_cohorts",
    "mart",
    "Median and other quantiles of the time to an outcome by month of creation, open processes "
    "included as censored: whether processes get faster or slower. A month is comparable before "
    "all its processes are closed.",
    "one row per procedure, month of creation and outcome",
    in_order(
        SHARED,
        (
            "procedure",
            day("cohort", "First day of the month of creation, in the reporting time zone."),
            OUTCOME,
            count(
                "processes",
                "Processes created in the month and observed from their start, deleted ones "
                "included.",
            ),
            count("events", "Processes whose first outcome was this one.", open_rule=FIRST_OUTCOME),
            count(
                "n_censored",
                "Processes without any outcome yet: open, or deleted before one.",
            ),
            _quantile("p25_seconds", "a quarter", "those of the month"),
            _quantile("p50_seconds", "half", "those of the month"),
            _quantile("p75_seconds", "three quarters", "those of the month"),
            _quantile("p90_seconds", "nine tenths", "those of the month"),
            *_median_limits(),
            count(
                "n_left_out",
                "Processes of the month that began before `observed_since` (see "
                "`observation_starts`): those that lasted until then, and in none of the figures.",
            ),
            small_sample("such outcomes"),
        ),
    ),
    key=("procedure", "cohort", "outcome"),
)

_NOT_OBSERVED = (
    "until the whole month has reached the age (its last instant + `age_days`), and if no process "
    "of the month was observed from its start"
)

COHORT_OUTCOMES = OutputTable(
    "cohort_outcomes",
    "mart",
    "Outcomes of the processes created in each month by age: 1, 3, 7, 14, 30, 60, 90 and 180 days. "
    "Processes deleted before any outcome are left out.",
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
            count("processes", "Processes created in the month so far, observed from their start."),
            share(
                "share_completed",
                "Share whose first outcome was completion within `age_days` of creation.",
                nulls=_NOT_OBSERVED,
                open_rule=FIRST_OUTCOME,
            ),
            share(
                "share_cancelled",
                "Share whose first outcome was cancellation within `age_days` of creation.",
                nulls=_NOT_OBSERVED,
                open_rule=FIRST_OUTCOME,
            ),
            flag("is_observed", "Whether the shares are known: see `not_observed_because`."),
            *share_limits("share_completed", nulls=_NOT_OBSERVED, open_rule=FIRST_OUTCOME),
            *share_limits("share_cancelled", nulls=_NOT_OBSERVED, open_rule=FIRST_OUTCOME),
            small_sample("processes in the cohort"),
            text(
                "not_observed_because",
                "Why the shares are null: `not old enough`, or `not observed from the start` if "
                "all processes of the month began before `observed_since`.",
                nulls="if the shares are known",
            ),
            count(
                "n_left_out",
                "Processes of the month that began before `observed_since`: those that lasted "
                "until then, and in none of the other figures.",
            ),
        ),
    ),
    key=("procedure", "cohort", "age_days"),
)

COHORTS = OutputMacro(
    "cohorts",
    "A table macro for `cohort_outcomes` of any group: `from cohorts(procedure := 'lead', by := "
    "'source', period := 'week', ages := [7, 30])`. `cohort` is the first day of the `period` of "
    "creation (`week`, from Monday, `month`, `quarter` or `year`), `age_days` one of `ages`; the "
    "other columns have the same meanings. `with_deleted := true` counts processes deleted before "
    "any outcome too, in `processes` and with `share_deleted` (with its interval, "
    "`share_deleted_low`, `share_deleted_high`): the share deleted, without an outcome, within "
    "`age_days`; null otherwise. "
    f"{asked_by('creation')} {WRONG_ARGUMENTS}",
    "one row per procedure, value, period of creation and age",
)
