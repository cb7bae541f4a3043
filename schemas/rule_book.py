"""Every rule there is, in one list: for the data-quality tables and the documentation.

How a rule is checked does not belong here: see `core_record.py` and `attribute_rules.py`, the
reader of lines for the rules of a line, and `transforms/` for those of a history.
"""

from __future__ import annotations

from schemas.attribute_rules import DOCUMENTS, attribute_rules, undeclared_rule
from schemas.core_record import core_rules
from schemas.definitions import Procedures
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
)


def all_rules(procedures: Procedures) -> list[tuple[Rule, str | None]]:
    """Each rule with the shortId of the procedure it belongs to; None where it holds for all.

    Rule ids are unique per procedure.
    """
    # No sentence names the latest instant allowed, so any will do.
    everywhere = [*FILE_RULES, *core_rules(latest_ms=0), *map(undeclared_rule, DOCUMENTS)]
    rules: list[tuple[Rule, str | None]] = [(r, None) for r in (*everywhere, *HISTORY_RULES)]
    for procedure in procedures:
        rules += [(rule, procedure.short_id) for rule in attribute_rules(procedure)]
    return rules
