"""The tables of SLA clocks, in words.

The policies themselves are part of a procedure's definition (`sla_policies.py`).
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputTable,
    identifier,
    in_order,
    instant,
    number,
    seconds,
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
    "cancellation (unless it is what stops the clock) and a deletion end a clock.",
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
                "`cancelled` or `deleted`.",
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
                nulls="when the process was cancelled or deleted before the target was passed: "
                "neither met nor breached",
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
        ),
    ),
)
