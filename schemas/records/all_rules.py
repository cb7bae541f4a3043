"""Every rule there is, in one list: for the data-quality tables and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from schemas.definitions.procedure import Level, Procedure, Procedures
from schemas.records.activities import all_activity_rules
from schemas.records.attribute_rules import attribute_rules, record_rules, undeclared_rule
from schemas.records.attribute_values import DOCUMENTS
from schemas.records.dimensions import DIMENSION_RULES
from schemas.records.limits import MAX_KEYS, MAX_REJECTS
from schemas.records.record import FIELDS, core_rules
from schemas.records.rule import Rule

UNREADABLE = Rule("file:unreadable", "reject", "A file can be read to its end.", "file")
TOO_LONG = Rule("file:line:length", "reject", "A line has at most 32 MiB.", "line")
NOT_UTF8 = Rule("file:line:utf8", "reject", "A line is UTF-8 text.", "line")
NOT_JSON = Rule("file:json:parse", "reject", "A line is JSON.", "line")
NOT_AN_OBJECT = Rule("file:json:object", "reject", "A line is one JSON object.", "line")
REPEATED_KEY = Rule("file:json:repeated", "reject", "No key occurs twice in an object.", "line")
NOT_A_NUMBER = Rule("file:json:number", "reject", "NaN and Infinity are not JSON numbers.", "line")
TOO_MANY_KEYS = Rule(
    "file:json:keys",
    "reject",
    f"`data` and `derivedData` have at most {MAX_KEYS:,} keys each.",
    "line",
)
TOO_MANY_REJECTS = Rule(
    "file:line:rejects",
    "reject",
    f"A file has at most {MAX_REJECTS:,} lines that no definition can accept; the others are only "
    "counted.",
    "file",
)
NOT_DECODED = Rule(
    "file:row:encoding", "reject", "A row is text in the encoding of its source.", "line"
)
NOT_A_ROW = Rule(
    "file:row:cells",
    "reject",
    "A row of a table has as many cells as its header, and closes its quotes.",
    "line",
)
LATE_EVENT = Rule(
    "file:event:late",
    "reject",
    "An event is not older than those of its process that were read before: they would lack it.",
    "line",
)
HELD_EVENT = Rule(
    "file:event:held",
    "reject",
    "No earlier event of the process is in quarantine: what follows would lack it. When its file "
    "came again corrected, forget the earlier one.",
    "line",
)
SOURCE_RULES = (NOT_DECODED, NOT_A_ROW, LATE_EVENT, HELD_EVENT)
FILE_RULES = (
    UNREADABLE,
    TOO_LONG,
    NOT_UTF8,
    NOT_JSON,
    NOT_AN_OBJECT,
    REPEATED_KEY,
    NOT_A_NUMBER,
    TOO_MANY_KEYS,
    TOO_MANY_REJECTS,
    *SOURCE_RULES,
)

HISTORY_RULES = (
    Rule(
        "graph:transition:allowed",
        "flag",
        "A process moves only along the stategraph.",
        "state",
    ),
    Rule(
        "core:procedure:changed",
        "flag",
        "A process stays in its procedure.",
        "procedure",
    ),
    Rule(
        "core:primary_key:unique",
        "flag",
        "No two live processes of a procedure and team share the primary key.",
        "primaryKey",
    ),
    Rule(
        "core:parent_process_id:known",
        "flag",
        "`parentProcess` is a process that is known.",
        "parentProcess",
    ),
    Rule(
        "core:parent_process_id:acyclic",
        "flag",
        "No process is above itself by `parentProcess`.",
        "parentProcess",
    ),
    *(
        Rule(f"core:{column}:constant", "flag", f"`{name}` does not change between versions.", name)
        for name, column in (
            ("createdAt", "created_at"),
            ("createdBy", "created_by"),
            ("team", "team_id"),
            ("record", "record_id"),
            ("firstAssignedTo", "first_assigned_to"),
            ("firstAssignedAt", "first_assigned_at"),
        )
    ),
    Rule(
        "core:first_assigned_at:missing",
        "flag",
        "A process with `assignedTo` has `firstAssignedTo` and `firstAssignedAt`, in procedures "
        "where any process has them.",
        "firstAssignedAt",
    ),
    Rule(
        "core:first_assigned_to:observed",
        "flag",
        "`firstAssignedTo` is the assignee of the first version with one.",
        "firstAssignedTo",
    ),
    Rule(
        "core:first_assigned_at:observed",
        "flag",
        "`firstAssignedAt` is between the last version without an assignee and the first with one.",
        "firstAssignedAt",
    ),
    Rule(
        "core:next_action_at:past",
        "flag",
        "`nextActionAt` is not before the version that set it.",
        "nextActionAt",
    ),
    Rule("core:state_key:start", "flag", "A process is created in the `startState`.", "state"),
    Rule(
        "core:parent_procedure:same",
        "flag",
        "`parentProcedure` is the procedure of `parentProcess`.",
        "parentProcedure",
    ),
    Rule("core:created_at:parent", "flag", "No process is older than its parent.", "createdAt"),
    Rule("core:team_id:parent", "flag", "A process is in the team of its parent.", "team"),
    *(
        Rule(
            f"core:{column}:known",
            "flag",
            f"`{name}` is in the files of {dimension}, where there are any.",
            name,
        )
        for name, column, dimension in (
            ("assignedTo", "assigned_to", "users"),
            ("belongsTo", "pod_id", "pods"),
            ("record", "record_id", "records"),
        )
    ),
)

_REQUIRED = frozenset(field.name for field in FIELDS if field.required)


def levels_of(rule: Rule) -> tuple[Level, ...]:
    """What the `rules` of a procedure may make of a rule; nothing for one that is always due."""
    if rule in HISTORY_RULES:
        return ("flag", "off")
    match rule.severity:
        case "reject":
            return ()
        case "null":
            return ("reject", "null")
        case "flag" if rule.names in _REQUIRED:
            return ("reject", "flag", "off")
        case "flag":
            return ("reject", "null", "flag", "off")


@cache
def changeable_rules() -> Mapping[str, tuple[Level, ...]]:
    """The rules whose level a procedure can choose, by id, and the levels of each."""
    rules = (*core_rules(), *HISTORY_RULES)
    return {rule.id: levels for rule in rules if (levels := levels_of(rule))}


def derivation_rules(procedure: Procedure) -> list[Rule]:
    """The rules of a procedure's computed attributes, checked once their values are there."""
    rules: list[Rule] = []
    for attribute in procedure.derived_attributes:
        if attribute.is_computed:
            name, stem = attribute.short_id, f"derived:{attribute.short_id}"
            can_be = f"`{name}` can be computed from what it reads."
            agrees = f"`{name}` as the platform supplies it is the value computed here."
            rules.append(Rule(f"{stem}:computed", "null", can_be, name))
            rules.append(Rule(f"{stem}:differs", "flag", agrees, name))
    return rules


def all_rules(procedures: Procedures) -> list[tuple[Rule, str | None]]:
    """Each rule with the shortId of the procedure it belongs to; None where it holds for all.

    Rule ids are unique per procedure.
    """
    everywhere = [*FILE_RULES, *core_rules(), *map(undeclared_rule, DOCUMENTS)]
    everywhere += [*DIMENSION_RULES, *all_activity_rules()]
    rules: list[tuple[Rule, str | None]] = [(r, None) for r in (*everywhere, *HISTORY_RULES)]
    for procedure in procedures:
        own = [
            *attribute_rules(procedure),
            *derivation_rules(procedure),
            *record_rules(procedure),
        ]
        rules += [(rule, procedure.short_id) for rule in own]
    return rules
