"""The table of parents and children."""

from __future__ import annotations

from schemas.catalogue.model import OutputTable, flag, identifier, in_order, seconds, text
from schemas.catalogue.shared import SHARED

_NO_CHILD = "if no child is open or completed"

HIERARCHY = OutputTable(
    "hierarchy",
    "core",
    "Parents and children, by `parentProcess` of the latest versions. Deleted processes remain "
    "parents but do not count as children. Cycles are flagged, not followed.",
    "one row per process",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            identifier("parent_process_id", "Parent process.", nulls="without a parent"),
            text(
                "parent_procedure",
                "shortId (not id) of the procedure of the parent process.",
                nulls="without a parent, and if the parent is unknown",
            ),
            "root_process_id",
            "depth",
            "n_children",
            "n_open_children",
            identifier(
                "slowest_child_id",
                "The child that took longest (see `slowest_child_seconds`); of equal ones the one "
                "with the lowest id.",
                nulls=_NO_CHILD,
            ),
            seconds(
                "slowest_child_seconds",
                "Longest time of a child from its start to its current completion "
                "(`full_resolution_seconds`). Cancelled and deleted children are left out.",
                nulls=_NO_CHILD,
                open_rule="an open or reopened child counts with its age (`age_seconds`)",
            ),
            flag(
                "is_orphan",
                "Whether the process names a parent that has no version up to the build's as_of.",
            ),
            flag(
                "is_in_cycle",
                "Whether the process is its own ancestor. Descendants of a cycle that are not part "
                "of it are false.",
            ),
        ),
    ),
    key=("process_id",),
)
