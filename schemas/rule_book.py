"""Every rule there is, in one list: for the data-quality tables and the documentation.

How a rule is checked does not belong here: see `core_record.py` and `attribute_rules.py`, the
reader of lines for the rules of a line, and `transforms/` for those of a history.
"""

from __future__ import annotations

from schemas.attribute_rules import attribute_rules, record_rules, undeclared_rule
from schemas.attribute_values import DOCUMENTS
from schemas.core_record import core_rules
from schemas.definitions import Procedure, Procedures
from schemas.dimensions import DIMENSION_RULES
from schemas.rules import Rule

UNREADABLE = Rule("file:unreadable", "reject", "A file can be read to its end.", "file")
TOO_LONG = Rule("file:line:length", "reject", "A line has at most 32 MiB.", "line")
NOT_UTF8 = Rule("file:line:utf8", "reject", "A line is UTF-8 text.", "line")
NOT_JSON = Rule("file:json:parse", "reject", "A line is JSON.", "line")
NOT_AN_OBJECT = Rule("file:json:object", "reject", "A line is one JSON object.", "line")
REPEATED_KEY = Rule("file:json:repeated", "reject", "No key stands twice in an object.", "line")
NOT_A_NUMBER = Rule("file:json:number", "reject", "NaN and Infinity are not JSON numbers.", "line")
FILE_RULES = (
    UNREADABLE,
    TOO_LONG,
    NOT_UTF8,
    NOT_JSON,
    NOT_AN_OBJECT,
    REPEATED_KEY,
    NOT_A_NUMBER,
)

HISTORY_RULES = (
    Rule(
        "graph:transition:allowed",
        "flag",
        "A process moves only along the stategraph.",
        "state",
    ),
    Rule(
        "core:primary_key:unique",
        "flag",
        "No two live processes of a procedure share the primary key.",
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
)


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
    # No sentence names the latest instant allowed, so any will do.
    everywhere = [*FILE_RULES, *core_rules(latest_ms=0), *map(undeclared_rule, DOCUMENTS)]
    everywhere += DIMENSION_RULES
    rules: list[tuple[Rule, str | None]] = [(r, None) for r in (*everywhere, *HISTORY_RULES)]
    for procedure in procedures:
        own = [
            *attribute_rules(procedure),
            *derivation_rules(procedure),
            *record_rules(procedure),
        ]
        rules += [(rule, procedure.short_id) for rule in own]
    return rules
