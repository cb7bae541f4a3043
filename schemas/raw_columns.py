"""What the columns of the warehouse's raw tables mean, as the published catalogue does for its own.

A name means the same in every raw table. Their types stand where the tables are made.
"""

from __future__ import annotations

_NULL = "null when there is none"

RAW_COLUMNS: dict[str, str] = {
    # What a version says.
    "process_id": "`id` of the process (a lead, a ticket).",
    "team_id": "`team` of the process.",
    "procedure_id": "Id of the procedure of the process.",
    "procedure": "`procedure` as the line names it; null when it names none.",
    "state_id": "Id of the state, also where the line gave its shortId.",
    "status": "Of a version: OPEN, COMPLETED or CANCELLED. Of a file: what became of it.",
    "created_at": "`createdAt`, UTC.",
    "updated_at": "`updatedAt`, UTC: when the process was as this version says.",
    "is_deleted": "`isDeleted`: false where the line does not say.",
    "created_by": f"`createdBy`: id of a user, {_NULL}.",
    "assigned_to": f"`assignedTo`: id of a user, {_NULL}.",
    "first_assigned_to": f"`firstAssignedTo`: id of a user, {_NULL}.",
    "pod_id": f"`belongsTo`: id of a pod, {_NULL}.",
    "entity_id": f"`entity`: id of an entity, {_NULL}.",
    "record_id": f"`record`: id of a record, {_NULL}.",
    "primary_booking_id": f"`primaryBooking`: id of a booking, {_NULL}.",
    "parent_procedure": f"`parentProcedure`: id of a procedure, {_NULL}.",
    "parent_process_id": f"`parentProcess`: id of a process, {_NULL}.",
    "next_action_at": f"`nextActionAt`, UTC, {_NULL} (0 in the line).",
    "completed_at": f"`completedAt`, UTC, {_NULL} (0 in the line).",
    "cancelled_at": f"`cancelledAt`, UTC, {_NULL} (0 in the line).",
    "first_assigned_at": f"`firstAssignedAt`, UTC, {_NULL} (0 in the line).",
    "last_assigned_at": f"`lastAssignedAt`, UTC, {_NULL} (0 in the line).",
    "data": "The attributes as they came, as JSON.",
    "derived_data": "The derived attributes as they came, as JSON.",
    "data_hash": "Hash of the attributes, whichever way their keys were written.",
    "derived_data_hash": "Hash of the derived attributes, likewise.",
    # Where it came from.
    "ingest_seq": "Place in the order in which lines were taken in, over all files.",
    "batch_seq": "Number of the run that took it in.",
    "file_seq": "Number of the file in the order in which files were taken in.",
    "line": "Line in the file, from 1; null when the whole file was rejected.",
    "sha256": "Hash of the bytes of the file, by which it is known.",
    "file_name": "Name of the file, without its folder.",
    "format": "Format of the file, by its name.",
    "content": "What the file holds: processes, or one of the files that give ids their names.",
    "problem": f"Why the file as a whole could not be read; {_NULL}.",
    "bytes": "Size of the file.",
    "lines": "Lines of the file: accepted + duplicates + quarantined + blank.",
    "accepted": "Lines that were stored.",
    "duplicates": "Lines that say what was stored before.",
    "quarantined": "Lines that were rejected, and are kept in `quarantine`.",
    "blank": "Lines without anything.",
    "ingested_at": "When it was taken in, UTC.",
    # What was wrong.
    "rules": "Ids of all rules that the line broke.",
    "raw_text": "The line as it came.",
    "quarantined_at": "When it was rejected, UTC.",
    "rule": "Id of the rule that was broken.",
    "severity": "`null` (the one value was emptied) or `flag` (nothing was changed).",
    "column_name": "Field, attribute or key that broke the rule.",
    "value": f"What was found there; masked where it may be personal; {_NULL}.",
    # Names of ids.
    "dimension": "Whose names they are: users, pods, teams, entities or records.",
    "id": "The id that has the name.",
    "name": f"The name; {_NULL}.",
}
