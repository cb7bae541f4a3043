"""The tables of stays (in a state, in a status, with an assignee) and of changes, in words.

Sums over them belong to `process_lifecycle` and to the marts.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    OutputTable,
    flag,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    small_count,
    text,
)
from schemas.catalogue_shared import SHARED

_RUNNING = "while the stay is running"
_LENGTH = "Length of the stay, from its start to its end. 0 when both fall in one millisecond."
_UP_TO_AS_OF = "a running stay counts up to the build's as_of"
_DELETION = "Deletion ends it, restoring begins a new one."

STATE_VISITS = OutputTable(
    "state_visits",
    "core",
    f"Stays in a state: runs of successive versions in one state while not deleted. {_DELETION}",
    "one row per stay in a state",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            number("visit_no", "INTEGER", "Number of the visit within the process, from 1."),
            text("state", "shortId of the state."),
            "state_name",
            "state_kind",
            "state_rank",
            instant(
                "entered_at",
                "Start of the stay: `updatedAt` of its first version, or the start of the process "
                "when that is the first version of all.",
            ),
            instant("left_at", "End of the stay, not included.", nulls=_RUNNING),
            "is_current",
            seconds("seconds", _LENGTH, open_rule=_UP_TO_AS_OF),
            seconds(
                "business_seconds",
                "Length of the stay in working time of the process's calendar.",
                open_rule=_UP_TO_AS_OF,
            ),
            text("previous_state", "shortId of the visit before.", nulls="on the first visit"),
            text("next_state", "shortId of the visit after.", nulls="on the last visit so far"),
            text(
                "direction",
                "`start` on the first visit, then by rank `forward` or `backward`; `same` where a "
                "deleted process was restored in the state it was in.",
            ),
            flag(
                "is_allowed",
                "Whether the procedure's stategraph allows the move from `previous_state`. Always "
                "true where the procedure has no stategraph.",
                nulls="on the first visit, where `direction` is `same`, and where one of the two "
                "is a removed state of which the stategraph says nothing",
            ),
            small_count("n_previous_visits", "Earlier visits of the process to this state."),
            identifier(
                "assigned_to",
                "Who held the process when the stay began.",
                nulls="when nobody held it",
            ),
            text(
                "entered_source",
                "How the start is known: `observed` (a version shows the change), `created` (the "
                "first version is the creation) or `inferred` (the first version is not: it "
                "is taken to have been in this state from the start).",
            ),
            flag(
                "is_left_by_deletion",
                "Whether the stay ended because the process was deleted: how long it would have "
                "lasted is not known.",
            ),
        ),
    ),
)

STATUS_SPELLS = OutputTable(
    "status_spells",
    "core",
    "Stays in a status: runs of successive versions with one status while not deleted. "
    f"{_DELETION} A process first seen closed was open before, from its start.",
    "one row per stay in a status",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            number("spell_no", "INTEGER", "Number of the spell within the process, from 1."),
            text("status", "`OPEN`, `COMPLETED` or `CANCELLED`."),
            instant(
                "started_at",
                "Start of the spell. A completion starts at the record's `completedAt` if that "
                "lies between creation and the version that first shows it, and not before the "
                "spell before; otherwise at that version. A cancellation likewise. An `OPEN` spell "
                "starts at its first version, or at the start of the process.",
            ),
            instant("ended_at", "End of the spell, not included.", nulls=_RUNNING),
            "is_current",
            seconds("seconds", _LENGTH, open_rule=_UP_TO_AS_OF),
        ),
    ),
)

ASSIGNMENTS = OutputTable(
    "assignments",
    "core",
    "Stays with an assignee, stays with nobody included: runs of successive versions with one "
    f"assignee while not deleted. {_DELETION}",
    "one row per stay",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            number("assignment_no", "INTEGER", "Number of the stay within the process, from 1."),
            identifier(
                "assigned_to",
                "Who held the process during the stay.",
                nulls="while nobody held it",
            ),
            instant(
                "started_at",
                "Start of the stay: `updatedAt` of its first version, or the start of the process "
                "when that is the first version of all.",
            ),
            instant("ended_at", "End of the stay, not included.", nulls=_RUNNING),
            "is_current",
            seconds(
                "seconds",
                _LENGTH,
                open_rule=f"{_UP_TO_AS_OF}, in closed processes too",
            ),
            seconds(
                "business_seconds",
                "Length of the stay in working time of the process's calendar.",
                open_rule=f"{_UP_TO_AS_OF}, in closed processes too",
            ),
            text("state", "shortId of the state the process was in when the stay began."),
        ),
    ),
)

ATTRIBUTE_CHANGES = OutputTable(
    "attribute_changes",
    "core",
    "Changes of attributes whose history is kept (`track` in the definition). Values are compared "
    "and shown as they convert to the type: a number given as text, or a key written as id instead "
    "of shortId, is no change; what does not convert or is not among the options is null. What the "
    "first version holds is where an attribute starts, not a change. Changes made while a process "
    "is deleted are in it. Personal data where the attribute is personal.",
    "one row per change of one attribute of one process",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            text("attribute", "shortId of the attribute."),
            text("type", "Type of the attribute, such as `integer` or `stringEnum`."),
            number(
                "change_no",
                "INTEGER",
                "Number of the change of this attribute within the process, from 1.",
            ),
            text(
                "old_value",
                "The value before, as text: what the column of the wide table would show.",
                nulls="when there was none",
            ),
            text("new_value", "The value from then on, as text.", nulls="when it was taken away"),
            instant("changed_at", "`updatedAt` of the first version with the new value."),
            seconds(
                "previous_seconds",
                "How long the value before held: from the change before of this attribute, or "
                "from the start of the process.",
            ),
            text("state", "shortId of the state the process was in from that version on."),
            identifier(
                "assigned_to",
                "Who held the process from that version on.",
                nulls="when nobody held it",
            ),
        ),
    ),
)
