"""The tables of attributes whose history is kept: their changes, and their values over time."""

from __future__ import annotations

from schemas.catalogue.model import (
    OutputTable,
    attribute_value,
    flag,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    text,
)
from schemas.catalogue.shared import SHARED

ATTRIBUTE_CHANGES = OutputTable(
    "attribute_changes",
    "core",
    "Changes of tracked attributes (`track: true` in the definition, or `track: all` in the "
    "procedure for all that are not personal). Values are compared and shown after conversion to "
    "the type: a number sent as text, or a key sent as id instead of shortId, is not a change; "
    "values that do not convert or are not among the options are null. The values of the first "
    "version in a procedure are not changes. Changes of deleted processes are included "
    "(`is_deleted`).",
    "one row per change of one attribute of one process",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            text("attribute", "shortId of the attribute."),
            text("type", "Type of the attribute, for example `integer` or `stringEnum`."),
            number(
                "change_no",
                "INTEGER",
                "Number of the change of this attribute within the process, from 1.",
            ),
            attribute_value(
                "old_value",
                "Previous value, as text, as the wide table would show it.",
                nulls="if there was none",
            ),
            attribute_value("new_value", "New value, as text.", nulls="if the value was removed"),
            instant("changed_at", "`updatedAt` of the first version with the new value."),
            seconds(
                "previous_seconds",
                "How long the previous value lasted: since the previous change of this attribute, "
                "or since the start of the process or the change of its procedure.",
            ),
            text("state", "shortId of the state in that version."),
            identifier(
                "assigned_to",
                "Assignee in that version.",
                nulls="if unassigned",
            ),
            flag("is_deleted", "Whether the process was deleted in that version."),
        ),
    ),
    key=("process_id", "attribute", "change_no"),
)

ATTRIBUTE_SPELLS = OutputTable(
    "attribute_spells",
    "core",
    "Spells of tracked attributes (`track: true` in the definition) with one value, or without "
    "one: from the start of the process, or the change of its procedure, the spells of an "
    "attribute leave no gaps until the procedure changes. Values as in `attribute_changes`. A "
    "deletion does not end a spell. Of a personal attribute whose earlier values were erased the "
    "spell before is without a value.",
    "one row per spell of one attribute of one process",
    in_order(
        SHARED,
        (
            "process_id",
            "team_id",
            "procedure",
            text("attribute", "shortId of the attribute."),
            text("type", "Type of the attribute, for example `integer` or `stringEnum`."),
            number(
                "spell_no",
                "INTEGER",
                "Number of the spell of this attribute within the process, from 1.",
            ),
            attribute_value(
                "value",
                "The value, as text, as the wide table would show it.",
                nulls="while there is none",
            ),
            instant(
                "started_at",
                "Start: `updatedAt` of the first version with the value; for the first version of "
                "the process, the start of the process.",
            ),
            instant(
                "ended_at",
                "End, exclusive: the start of the next spell, or the change of the procedure.",
                nulls="while the spell is open",
            ),
            "is_current",
            seconds(
                "seconds",
                "Length of the spell; 0 if it starts and ends in the same millisecond.",
                open_rule="an open spell counts up to the build's as_of, in closed and deleted "
                "processes too",
            ),
        ),
    ),
    key=("process_id", "attribute", "spell_no"),
)
