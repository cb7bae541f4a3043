"""The tables of attribute values at the entry of funnels, and of those that go with converting."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputTable,
    attribute_value,
    count,
    flag,
    in_order,
    instant,
    number,
    share,
    share_limits,
    text,
)
from schemas.catalogue.shared import SHARED

_NONE_OVER = "if no window is over"
_NOT_COMPARABLE = (
    "if one side has no process whose window is over, if none of them converted, and if all did"
)
_NOT_TESTED = f"if `is_small`, and {_NOT_COMPARABLE}"

FUNNEL_VALUES_AT_ENTRY = OutputTable(
    "funnel_values_at_entry",
    "mart",
    "The values with which processes entered each funnel, for the attributes of its `breakdowns` "
    "that count at the entry, and what became of them. Mode `ordered`: the entry is that of "
    "`funnel_progress` there. Later changes of a value do not count. `leadtime drivers` ranks the "
    "values by these rows.",
    "one row per funnel, process that entered and attribute",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            "process_id",
            "team_id",
            text("attribute", "shortId of the attribute."),
            attribute_value(
                "value",
                "Value of the attribute as text, in the last version until the entry.",
                nulls="for processes without a value",
            ),
            instant("entered_at", "When the process entered the funnel."),
            flag(
                "is_window_over",
                "Whether the process entered at least `within` before the build's as_of: whether "
                "it converts is then decided.",
                nulls="if the funnel has no `within`",
            ),
            flag(
                "is_finished",
                "Whether the process has finished the funnel, within its windows.",
                open_rule="false can still become true until `is_window_over`",
            ),
            "is_observed_from_start",
        ),
    ),
    key=("procedure", "funnel", "process_id", "attribute"),
)

CONVERSION_DRIVERS = OutputTable(
    "conversion_drivers",
    "mart",
    "Which values of an attribute go with converting: each value of the `breakdowns` of a funnel "
    "that has a `within`, as it was at the entry, compared with all other processes that entered. "
    "Mode `ordered`. A process counts once its window is over, so that all have had the same time, "
    "and has converted if it finished the funnel. Processes that began before `observed_since` are "
    "left out, and processes are taken as independent of each other. What goes with converting "
    "need not be its cause.",
    "one row per funnel with a `within`, attribute and value",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            text("attribute", "shortId of the attribute whose values are compared."),
            attribute_value(
                "value",
                "Value of the attribute as text, at the entry.",
                nulls="for processes without a value",
            ),
            count("processes", "Processes with the value whose window is over."),
            count("converted", "Those of `processes` that finished the funnel within the window."),
            share("share", "`converted` divided by `processes`.", nulls=_NONE_OVER),
            *share_limits("share", nulls=_NONE_OVER),
            count("waiting", "Processes with the value whose window is not over; not compared."),
            count("others", "Processes with another value, or none, whose window is over."),
            share(
                "share_of_others",
                "Share of `others` that finished the funnel within the window.",
                nulls="if there are no `others`",
            ),
            number(
                "odds_ratio",
                "DOUBLE",
                "Odds of converting with the value, divided by those of the others: above 1, more "
                "of those with the value convert. Where all or none of one side converted, one "
                "half is added to each of the four counts (Haldane 1956).",
                nulls=_NOT_COMPARABLE,
            ),
            *(
                number(
                    f"odds_ratio_{end}",
                    "DOUBLE",
                    f"{side} limit of the 95 % interval of `odds_ratio` (Woolf 1955).",
                    nulls=_NOT_COMPARABLE,
                )
                for end, side in (("low", "Lower"), ("high", "Upper"))
            ),
            share(
                "p_value",
                "Chance of shares this different or more if the value made no difference (Fisher's "
                "exact test, two-sided).",
                nulls=_NOT_TESTED,
            ),
            count("n_tests", "Tests of the funnel, over all attributes, that have a `p_value`."),
            share(
                "p_adjusted",
                "`p_value` adjusted for the number of comparisons `n_tests` by Holm (1979): the "
                "chance that any test of the funnel is this small though no value makes a "
                "difference is no greater. Read this one.",
                nulls=_NOT_TESTED,
            ),
            flag(
                "is_small",
                "Whether one of the two sides has fewer than 5 processes: too few to say much.",
            ),
        ),
    ),
    key=("procedure", "funnel", "attribute", "value"),
)
