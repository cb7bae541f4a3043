"""The table of parents and children, in words.

What each process is by itself stands in `catalogue_processes.py`.
"""

from __future__ import annotations

from schemas.catalogue_model import OutputTable, flag, identifier, in_order, seconds, text
from schemas.catalogue_shared import SHARED

_WITHOUT = "when no child is open or completed"

HIERARCHY = OutputTable(
    "hierarchy",
    "core",
    "Which process belongs under which, by `parentProcess` of their latest versions. Deleted "
    "processes stay parents, but do not count as children. A cycle of parents is not followed.",
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
                nulls="without a parent, and while the parent is not known",
            ),
            "root_process_id",
            "depth",
            "n_children",
            "n_open_children",
            identifier(
                "slowest_child_id",
                "The child that took longest: see `slowest_child_seconds`. Of equals the one with "
                "the least id.",
                nulls=_WITHOUT,
            ),
            seconds(
                "slowest_child_seconds",
                "Longest time of a child from its start to the completion that holds now "
                "(`full_resolution_seconds`). Cancelled and deleted children are left out.",
                nulls=_WITHOUT,
                open_rule="an open or reopened child counts with its age (`age_seconds`)",
            ),
            flag(
                "is_orphan",
                "Whether the process names a parent of which no version is known up to the build's "
                "as_of.",
            ),
            flag(
                "is_in_cycle",
                "Whether the process is its own parent, or above itself through others. What is "
                "only below a cycle is not in it.",
            ),
        ),
    ),
)
