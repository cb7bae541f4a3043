"""The tables of SLA clocks."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputTable,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    text,
)
from schemas.catalogue.shared import SHARED

POLICY = text("policy", "Name of the SLA policy. Names are unique within a procedure.")
_CYCLE = number(
    "cycle",
    "INTEGER",
    "Number of the clock among those of the process and policy, from 1. After a stop, the next "
    "event that starts the policy begins a new clock at 0: with `start: state: ASKED` and `stop: "
    "left: ASKED` each question has one. With `repeat: true` the stop itself does, as long as the "
    "process stays open and the policy applies: with `start: created`, `stop: connected_call` and "
    "`target: 2d` there is to be a call every two working days. Stops by one version at one "
    "instant count once. `created` is each beginning of being "
    "open, so that reopening, restoring and moving to the procedure start a new clock. A policy "
    "that waits for the first assignment or the first call starts no clock after it. Calls and "
    "completed tasks are events at their own instants, whatever versions the process has.",
)
_ELAPSED = "Working time of the policy's calendar"

SLA_SEGMENTS = OutputTable(
    "sla_segments",
    "core",
    "The stretches of time in which SLA clocks counted: from the start or the end of a pause to "
    "the next pause or the stop. Half-open; stretches of no length are left out. They add up to "
    "`elapsed_seconds` of `sla_clocks`.",
    "one row per policy, process, cycle and stretch between two pauses",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            POLICY,
            _CYCLE,
            number("segment_no", "INTEGER", "Number of the stretch within its clock, from 1."),
            instant("started_at", "When the clock started or resumed."),
            instant(
                "ended_at",
                "When it paused or stopped.",
                nulls="while it counts",
            ),
            seconds(
                "elapsed_seconds",
                f"{_ELAPSED} from `started_at` to `ended_at`; 0 outside working time.",
                open_rule="a running clock counts up to the build's as_of",
            ),
        ),
    ),
    key=("procedure", "policy", "process_id", "cycle", "segment_no"),
)

SLA_CLOCKS = OutputTable(
    "sla_clocks",
    "core",
    "The clocks of the SLA policies of each procedure. A clock runs from an event that starts it "
    "to the first event that stops it, pauses in some states, and counts the working time of its "
    "calendar. Calendar, target and `where` are those at the start of the clock: later changes do "
    "not count. Where the target is null there is no clock. A completion, cancellation, deletion "
    "or change of procedure also ends a clock, unless the same version shows an event that stops "
    "it. Events count in the order of the versions that show them: a closing that is dated back to "
    "before an earlier stop does not change that stop, and one dated before the start of a running "
    "clock ends it at its start. A process created in a closed status starts and stops its clocks "
    "at its creation. A state in which a process was first seen stops a clock when it was seen, "
    "not at the creation.",
    "one row per policy, process and cycle",
    in_order(
        SHARED,
        (
            "process_id",
            "label",
            "team_id",
            "procedure",
            POLICY,
            _CYCLE,
            instant(
                "started_at",
                "When the event that started the clock happened, not before the end of the clock "
                "before it.",
            ),
            instant(
                "due_at",
                "The first instant at which the counted time equals the target. For a clock that "
                "ended before that, as if it counted on from its end without pauses.",
                nulls="while `status` is `paused`, and where the calendar has too little working "
                "time left",
                open_rule="for a running clock, assumes that it does not pause",
            ),
            instant(
                "stopped_at",
                "When the clock ended: see `ended_by`.",
                nulls="while it has not ended",
            ),
            text(
                "ended_by",
                "What ended the clock: `stop` (an event the policy waits for), or before that "
                "`completed`, `cancelled`, `deleted` or `moved_out` (to another procedure).",
                nulls="while it has not ended",
            ),
            seconds(
                "target_seconds",
                "The counted time allowed. A target in days on working time is the sum of so many "
                "working days of the calendar, with all their slots, from the one in which the "
                "clock starts (or the next one): `1d` in an office of 8 hours is 8 hours. With the "
                "calendar `always` a day has 24 hours.",
            ),
            seconds(
                "elapsed_seconds",
                f"{_ELAPSED} from start to end, without pauses.",
                open_rule="a running clock counts up to the build's as_of",
            ),
            seconds(
                "remaining_seconds",
                "`target_seconds` minus `elapsed_seconds`; negative if past the target.",
                open_rule="decreases while the clock runs",
            ),
            text(
                "status",
                "`breached`: `elapsed_seconds` is above the target, whether or not the clock "
                "still runs. Otherwise `met` (stopped in time, exactly at the target included), "
                "`paused` or `running`.",
                nulls="when the process was completed, cancelled, deleted or moved to another "
                "procedure within the target and without the event the policy waits for: neither "
                "met nor breached",
                open_rule="`running` and `paused` can still become `breached`",
            ),
            instant(
                "breached_at",
                "When the counted time reached the target, for a clock that exceeded it.",
                nulls="unless `status` is `breached`",
            ),
            text(
                "calendar",
                "The calendar whose working time counts: that of the policy, or that of the "
                "process when the clock started. `always` is every hour.",
            ),
            text(
                "started_state",
                "shortId of the state when the clock started.",
                nulls="if the process was in no state then",
            ),
            identifier(
                "assigned_to",
                "The assignee when the clock ended (an assignment at that instant included), at "
                "the build's as_of if it has not.",
                nulls="when the process was unassigned",
            ),
            identifier(
                "pod_id",
                "Pod when the clock ended (including a change at that instant); for a clock that "
                "has not ended, at the build's as_of.",
                nulls="if none",
            ),
            "pod_name",
            "link",
        ),
    ),
    key=("procedure", "policy", "process_id", "cycle"),
)

SLA_DUE = OutputTable(
    "sla_due",
    "mart",
    "The clocks that have not ended: what breaches next, by when, and who holds it. Running clocks "
    "come first, by `due_at`, then paused ones, then those already past their target, by the time "
    "that remains.",
    "one row per policy and process with a clock that has not ended",
    in_order(
        SHARED,
        (
            "process_id",
            "label",
            "team_id",
            "procedure",
            POLICY,
            text("state", "shortId of the state in the latest version."),
            identifier("assigned_to", "Current assignee.", nulls="if unassigned"),
            identifier("pod_id", "Current pod.", nulls="if none"),
            "pod_name",
            text("status", "`running`, `paused` or `breached`, as in `sla_clocks`."),
            text(
                "level",
                "`breached`: past the target; `warning`: at least `warn_percent` of the target has "
                "been counted; `in_time`: neither.",
                open_rule="a running clock passes from one to the next as it counts",
            ),
            instant("started_at", "When the clock started."),
            instant(
                "warns_at",
                "The first instant at which the counted time equals `warn_percent` of the target, "
                "rounded up to milliseconds. Later than the build's as_of: if it does not pause.",
                nulls="if the policy has no warning, unless `level` is `in_time`, while `status` "
                "is `paused`, and where the calendar has too little working time left",
            ),
            instant(
                "due_at",
                "When the counted time reaches the target, as in `sla_clocks`: in the past for a "
                "clock past its target.",
                nulls="while `status` is `paused`, and where the calendar has too little working "
                "time left",
                open_rule="for a running clock, assumes that it does not pause",
            ),
            seconds("target_seconds", "The counted time allowed."),
            seconds(
                "remaining_seconds",
                "Working time left until the target; negative if past it.",
                open_rule="decreases while the clock counts",
            ),
            "link",
        ),
    ),
    key=("procedure", "policy", "process_id"),
)
