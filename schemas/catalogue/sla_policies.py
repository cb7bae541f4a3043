"""The tables of SLA policies: what they say, and how many of their clocks were met."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputTable,
    count,
    day,
    flag,
    identifier,
    in_order,
    number,
    seconds,
    share,
    share_limits,
    small_sample,
    text,
)
from schemas.catalogue.shared import SHARED
from schemas.catalogue.sla import POLICY

_LEVEL = "on levels without it"

SLA_ATTAINMENT = OutputTable(
    "sla_attainment",
    "mart",
    "How many SLA clocks were met: counts over `sla_clocks`. Each level has every clock once: "
    "select one level, because sums over several count clocks more than once.",
    "one row per policy, level and values of that level",
    in_order(
        SHARED,
        (
            "procedure",
            POLICY,
            text(
                "level",
                "What the row counts: `all` clocks of the policy, or those of a `month`, `pod`, "
                "`pod_month`, `assignee`, `assignee_month`.",
            ),
            day(
                "period",
                "First day of the month in which the clocks ended, in the reporting time zone. "
                "Clocks that have not ended are in no month: late ones are `breached` in the row "
                "without a period.",
                nulls=f"{_LEVEL}, and for clocks that have not ended",
            ),
            identifier(
                "pod_id",
                "Pod of the clocks, as in `sla_clocks`.",
                nulls=f"{_LEVEL}, and for clocks without a pod",
            ),
            identifier(
                "assigned_to",
                "The assignee of the clocks, as in `sla_clocks`.",
                nulls=f"{_LEVEL}, and for clocks of unassigned processes",
            ),
            count("n", "Clocks: met, breached, running and called off."),
            count("met", "Clocks that stopped in time."),
            count("breached", "Clocks past their target, including those that still run."),
            count(
                "running",
                "Clocks that have neither ended nor passed their target, paused ones included.",
                open_rule="they can still be met or breached",
            ),
            count(
                "called_off",
                "Clocks that had neither met nor passed their target when the process was "
                "completed, cancelled, deleted or moved to another procedure.",
            ),
            share(
                "share_met",
                "`met` divided by `met` plus `breached`.",
                nulls="when no clock was met or breached",
                open_rule="running clocks count only once past their target",
            ),
            *(
                seconds(
                    f"p{percent}_elapsed_seconds",
                    f"{statistic} of the counted time of clocks that an event of the policy "
                    "stopped, interpolated between two values.",
                    nulls="when there is none",
                    open_rule="running clocks are not included",
                )
                for percent, statistic in ((50, "Median"), (90, "90th percentile"))
            ),
            *share_limits(
                "share_met",
                nulls="when no clock was met or breached",
                open_rule="running clocks count only once past their target",
            ),
            small_sample("clocks that were met or breached"),
        ),
    ),
)

SLA_POLICIES = OutputTable(
    "sla_policies",
    "config",
    "The SLA policies of each procedure, as defined.",
    "one row per policy",
    in_order(
        SHARED,
        (
            POLICY,
            "procedure",
            text("starts", "The events that start a clock."),
            text("stops", "The events that stop a clock."),
            text("pauses", "The states in which a clock pauses.", nulls="when there is none"),
            text("target", "The counted time allowed, or the formula that gives it."),
            text(
                "condition",
                "The formula that selects the processes with a clock (`where`).",
                nulls="if all have one",
            ),
            text(
                "calendar",
                "The calendar whose working time counts.",
                nulls="when it is that of the process at the start of the clock",
            ),
            number(
                "warn_percent",
                "INTEGER",
                "The share of the target, in per cent, after which a clock is in warning (`warn`).",
                nulls="if the policy has no warning",
            ),
            flag(
                "is_repeated",
                "Whether a stop also starts the next clock, as long as the process is open "
                "(`repeat`).",
            ),
        ),
    ),
    key=("procedure", "policy"),
)
