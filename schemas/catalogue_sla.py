"""The tables of SLA clocks, in words.

The policies themselves are part of a procedure's definition (`sla_policies.py`).
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputTable,
    count,
    day,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    share,
    text,
)
from schemas.catalogue_shared import SHARED

_POLICY = text("policy", "Name of the SLA policy. Names are unique within a procedure.")
_CYCLE = number(
    "cycle",
    "INTEGER",
    "Number of the clock among those of the process and policy, from 1. Once stopped, the next "
    "event that starts it begins a new one with no time elapsed: `created` is each beginning to "
    "be open, so that reopening and restoring start such a clock anew; a policy that waits for "
    "the first assignment starts none after it.",
)
_ELAPSED = "Working time of the policy's calendar"

SLA_SEGMENTS = OutputTable(
    "sla_segments",
    "core",
    "The stretches of time in which SLA clocks counted: from the start or the end of a pause to "
    "the next pause or the stop. Half-open; stretches of no length are left out. Added up they are "
    "`elapsed_seconds` of `sla_clocks`.",
    "one row per policy, process, cycle and stretch between two pauses",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            _POLICY,
            _CYCLE,
            number("segment_no", "INTEGER", "Number of the stretch within its clock, from 1."),
            instant("started_at", "When the clock began to count, or counted again."),
            instant(
                "ended_at",
                "When it paused or stopped.",
                nulls="while it counts",
            ),
            seconds(
                "elapsed_seconds",
                f"{_ELAPSED} from `started_at` to `ended_at`; 0 outside of working time.",
                open_rule="a running one counts up to the build's as_of",
            ),
        ),
    ),
)

SLA_CLOCKS = OutputTable(
    "sla_clocks",
    "core",
    "The clocks of the SLA policies of each procedure. A clock runs from an event that starts it "
    "to the first event that stops it, pauses in some states, and counts the working time of its "
    "calendar. `where` and the target of the policy read the values in force when the clock "
    "started; later changes do not count. Where the target is null there is no clock. A "
    "completion or cancellation (unless it is what stops the clock, or shows it) and a deletion "
    "end a clock. A state in which a process was first seen stops a clock when it was seen, and "
    "not at the creation.",
    "one row per policy, process and cycle",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            _POLICY,
            _CYCLE,
            instant("started_at", "When the event that started the clock happened."),
            instant(
                "due_at",
                "The first instant at which the counted time is the target. A clock that stopped "
                "or ended before that is thought to count on from its end, without pauses.",
                nulls="while `status` is `paused`, and where no working time of the calendar "
                "remains that it could be",
                open_rule="of a running clock it is when it will be due unless it pauses",
            ),
            instant(
                "stopped_at",
                "When the clock ended: see `ended_by`.",
                nulls="while it has not ended",
            ),
            text(
                "ended_by",
                "What ended the clock: `stop` (an event the policy waits for), or before that "
                "`completed`, `cancelled` or `deleted`.",
                nulls="while it has not ended",
            ),
            seconds("target_seconds", "The counted time the clock may take."),
            seconds(
                "elapsed_seconds",
                f"{_ELAPSED} from start to end, without pauses.",
                open_rule="a running one counts up to the build's as_of",
            ),
            seconds(
                "remaining_seconds",
                "`target_seconds` minus `elapsed_seconds`; negative when past the target.",
                open_rule="shrinks while the clock counts",
            ),
            text(
                "status",
                "`breached`: `elapsed_seconds` is above the target, whether or not the clock "
                "still runs. Otherwise `met` (stopped in time, exactly at the target included), "
                "`paused` or `running`.",
                nulls="when the process was completed, cancelled or deleted before the target was "
                "passed, without what the policy waits for: neither met nor breached",
                open_rule="`running` and `paused` can still become `breached`",
            ),
            instant(
                "breached_at",
                "When the counted time first was the target, of a clock that went past it.",
                nulls="unless `status` is `breached`",
            ),
            text("calendar", "The calendar whose working time counts: `always` is every hour."),
            text(
                "started_state",
                "shortId of the state when the clock started.",
                nulls="when the process was in no state then",
            ),
            identifier(
                "assigned_to",
                "Who held the process when the clock ended (an assignment of that instant "
                "included), at the build's as_of if it has not.",
                nulls="when nobody held it",
            ),
            identifier(
                "pod_id",
                "The pod the process belonged to when the clock ended (a change of that instant "
                "included), at the build's as_of if it has not.",
                nulls="when it belonged to none",
            ),
        ),
    ),
)

_LEVEL = "on levels without it"

SLA_ATTAINMENT = OutputTable(
    "sla_attainment",
    "mart",
    "How many SLA clocks were met: counts over `sla_clocks`. Each level has every clock once: ask "
    "for one level, as counts over several would count clocks again.",
    "one row per policy, level and values of that level",
    in_order(
        SHARED,
        (
            "procedure",
            _POLICY,
            text(
                "level",
                "What the row is about: `all` clocks of the policy, or those of a `month`, `pod`, "
                "`pod_month`, `assignee`, `assignee_month`.",
            ),
            day(
                "period",
                "First day of the month in which the clocks ended, in the reporting time zone. A "
                "month lacks its clocks that still run: late ones are `breached` on the row "
                "without period.",
                nulls=f"{_LEVEL}, and for clocks that have not ended",
            ),
            identifier(
                "pod_id",
                "The pod of the clocks, as in `sla_clocks`.",
                nulls=f"{_LEVEL}, and for clocks of no pod",
            ),
            identifier(
                "assigned_to",
                "Who held the processes of the clocks, as in `sla_clocks`.",
                nulls=f"{_LEVEL}, and for clocks of processes that nobody held",
            ),
            count("n", "Clocks: met, breached, running and called off."),
            count("met", "Clocks that stopped in time."),
            count("breached", "Clocks past their target, those included that still run."),
            count(
                "running",
                "Clocks that have neither ended nor passed their target, paused ones included.",
                open_rule="they can still be met or breached",
            ),
            count(
                "called_off",
                "Clocks that neither met nor passed their target before the process was completed, "
                "cancelled or deleted.",
            ),
            share(
                "share_met",
                "`met` divided by `met` plus `breached`.",
                nulls="when no clock was met or breached",
                open_rule="clocks that run count only once past their target",
            ),
            *(
                seconds(
                    f"p{percent}_elapsed_seconds",
                    f"{statistic} of the counted time of clocks that an event of the policy "
                    "stopped, interpolated between two values.",
                    nulls="when there is none",
                    open_rule="clocks that run are not in it",
                )
                for percent, statistic in ((50, "Median"), (90, "90th percentile"))
            ),
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
            _POLICY,
            "procedure",
            text("starts", "The events that start a clock."),
            text("stops", "The events that stop a clock."),
            text("pauses", "The states in which a clock pauses.", nulls="when there is none"),
            text("target", "The counted time a clock may take, or the formula that gives it."),
            text(
                "condition",
                "The formula that says which processes have a clock (`where`).",
                nulls="when all have",
            ),
            text(
                "calendar",
                "The calendar whose working time counts.",
                nulls="when it is that of the process",
            ),
        ),
    ),
)
