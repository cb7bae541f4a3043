"""The tables of stays (in a state or status, with an assignee, open), and of procedure changes."""

from __future__ import annotations

from schemas.catalogue.model import (
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
from schemas.catalogue.shared import SHARED

_OPEN = "while the interval is open"

_LENGTH = "Length of the interval; 0 if it starts and ends in the same millisecond."

_UP_TO_AS_OF = "an open interval counts up to the build's as_of"

_DELETION = "A deletion ends it, a restore begins a new one; a change of procedure does both."

_FIRST_VISIT = "on the first visit, and on the first one after a change of procedure"

STATE_VISITS = OutputTable(
    "state_visits",
    "core",
    "Visits to states: runs of consecutive versions in one state of one procedure while not "
    f"deleted. {_DELETION}",
    "one row per visit to a state",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            number("visit_no", "INTEGER", "Number of the visit within the process, from 1."),
            text("state", "shortId of the state."),
            "state_name",
            "state_kind",
            "state_rank",
            instant(
                "entered_at",
                "Start: `updatedAt` of its first version; for the first version of the process, "
                "the start of the process.",
            ),
            instant("left_at", "End, exclusive.", nulls=_OPEN),
            "is_current",
            seconds("seconds", _LENGTH, open_rule=_UP_TO_AS_OF),
            seconds(
                "business_seconds",
                "Length in working time of the calendars that applied during the stay.",
                open_rule=_UP_TO_AS_OF,
            ),
            text("previous_state", "shortId of the state visited before.", nulls=_FIRST_VISIT),
            text(
                "next_state",
                "shortId of the state visited next.",
                nulls="on the last visit so far, and on the last one before a change of procedure",
            ),
            text(
                "direction",
                "`start` on the first visit and on the first one after a change of procedure, then "
                "`forward` or `backward` by rank; `same` if a deleted process was restored in the "
                "same state.",
            ),
            flag(
                "is_allowed",
                "Whether the procedure's stategraph allows the move from `previous_state`. Always "
                "true where the procedure has no stategraph.",
                nulls=f"{_FIRST_VISIT}, if `direction` is `same`, and if one of the states is "
                "retired and not part of the stategraph",
            ),
            small_count("n_previous_visits", "Earlier visits of the process to this state."),
            identifier(
                "assigned_to",
                "Assignee when the visit began.",
                nulls="if unassigned",
            ),
            text(
                "entered_source",
                "How the start is known: `observed` (a version shows the change), `created` (the "
                "first version is the creation) or `inferred` (the first version is later than the "
                "creation; the process is assumed to have been in this state from its start).",
            ),
            flag(
                "is_left_by_deletion",
                "Whether a deletion ended the visit: its full length is unknown (censored).",
            ),
            flag(
                "is_left_by_procedure_change",
                "Whether a change of procedure ended the visit.",
            ),
            number(
                "entered_version_no",
                "INTEGER",
                "Number of its first version within the process, from 1.",
            ),
        ),
    ),
    key=("process_id", "visit_no"),
)

STATUS_SPELLS = OutputTable(
    "status_spells",
    "core",
    "Spells in a status: runs of consecutive versions with one procedure and one status while not "
    f"deleted. {_DELETION} A process first seen closed is assumed to have been open from its start "
    "until then, or for an instant if it was closed at its start. So is an open process that is "
    "closed when it first appears in another procedure.",
    "one row per spell",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            number("spell_no", "INTEGER", "Number of the spell within the process, from 1."),
            text("status", "`OPEN`, `COMPLETED` or `CANCELLED`."),
            instant(
                "started_at",
                "Start. A completion starts at the record's `completedAt` if that lies between the "
                "creation and the first version that shows it, and not before the previous spell; "
                "otherwise at that version. A cancellation likewise. An `OPEN` spell starts at its "
                "first version, the first one at the start of the process.",
            ),
            instant("ended_at", "End, exclusive.", nulls=_OPEN),
            "is_current",
            seconds("seconds", _LENGTH, open_rule=_UP_TO_AS_OF),
            text(
                "began_by",
                "What began it. `OPEN`: `created`, `reopened` (after a closed spell, also across a "
                "deletion) or `restored`. Closed: `completed`, `cancelled`, or `restored` if the "
                "process was restored closed. `moved_in` if the status continues in another "
                "procedure.",
            ),
            number(
                "shown_version_no",
                "INTEGER",
                "Number of the version within the process, from 1, that first shows it; of a "
                "spell assumed before a closed one that of the closed one.",
            ),
        ),
    ),
    key=("process_id", "spell_no"),
)

ASSIGNMENTS = OutputTable(
    "assignments",
    "core",
    "Stays with an assignee, unassigned stays included: runs of consecutive versions with one "
    f"procedure and one assignee while not deleted. {_DELETION}",
    "one row per stay",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            number("assignment_no", "INTEGER", "Number of the stay within the process, from 1."),
            identifier(
                "assigned_to",
                "Assignee during the stay.",
                nulls="while unassigned",
            ),
            instant(
                "started_at",
                "Start: `updatedAt` of its first version; for the first version of the process, "
                "the start of the process.",
            ),
            instant("ended_at", "End, exclusive.", nulls=_OPEN),
            "is_current",
            seconds(
                "seconds",
                _LENGTH,
                open_rule=f"{_UP_TO_AS_OF}, in closed processes too",
            ),
            seconds(
                "business_seconds",
                "Length in working time of the calendars that applied during the stay.",
                open_rule=f"{_UP_TO_AS_OF}, in closed processes too",
            ),
            text("state", "shortId of the state when the stay began."),
        ),
    ),
    key=("process_id", "assignment_no"),
)

OPEN_STAYS = OutputTable(
    "open_stays",
    "core",
    "Stays of open processes in one state with one assignee and one pod: runs of consecutive "
    "versions that agree in all three, within an `OPEN` spell of `status_spells`. The stays of a "
    "spell leave no gaps; their seconds add up to those of the spell.",
    "one row per stay",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            number("stay_no", "INTEGER", "Number of the stay within the process, from 1."),
            number(
                "spell_no",
                "INTEGER",
                "`spell_no` of the spell in `status_spells` that contains it.",
            ),
            text("state", "shortId of the state."),
            "state_kind",
            "state_rank",
            identifier(
                "assigned_to",
                "Assignee during the stay.",
                nulls="while unassigned",
            ),
            identifier("pod_id", "Pod during the stay.", nulls="while without a pod"),
            instant(
                "started_at",
                "Start: that of the spell, or `updatedAt` of the version with the new state, "
                "assignee or pod.",
            ),
            instant("ended_at", "End, exclusive.", nulls="while the stay is open"),
            "is_current",
            seconds(
                "seconds",
                "Length of the stay; 0 if it starts and ends in the same millisecond.",
                open_rule="an open stay counts up to the build's as_of",
            ),
            text(
                "began_by",
                "What began it: `created`, `reopened`, `restored` or `moved_in` (from another "
                "procedure) for the first stay of a spell, otherwise `reassigned` (another "
                "assignee) or `moved` (another state or pod only).",
            ),
            text(
                "ended_by",
                "What ended it: `completed`, `cancelled`, `deleted` or `moved_out` (to another "
                "procedure) for the last stay of a spell, otherwise `reassigned` or `moved`.",
                nulls="while the stay is open",
            ),
        ),
    ),
    key=("process_id", "stay_no"),
)

PROCEDURE_CHANGES = OutputTable(
    "procedure_changes",
    "core",
    "Changes of the procedure of a process. Visits, spells, open stays, assignments and follow-ups "
    "end there, and new ones begin in the other procedure. `processes` has the latest procedure. "
    "Changes of deleted processes are included.",
    "one row per change of the procedure of one process",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            number("change_no", "INTEGER", "Number of the change within the process, from 1."),
            text("from_procedure", "shortId of the previous procedure."),
            text("to_procedure", "shortId of the new procedure."),
            text("from_state", "shortId of the previous state, in `from_procedure`."),
            text("to_state", "shortId of the new state, in `to_procedure`."),
            instant("changed_at", "`updatedAt` of the first version in the new procedure."),
            flag("is_deleted", "Whether the process was deleted in that version."),
        ),
    ),
    key=("process_id", "change_no"),
)
