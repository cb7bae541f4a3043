"""Parents and children: what lies above and below each process.

What happened to a single process belongs to the history module.
"""

from __future__ import annotations

from .durations import seconds
from .history import processes
from .versions import Procedures, Row, Version, histories, start


def hierarchy(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per process. Deleted processes are parents, but no children.

    In a cycle and below it `depth` and `root_process_id` are null.
    """
    rows = {row["process_id"]: row for row in processes(versions, procedures, as_of=as_of)}
    starts = {key: start(history) for key, history in histories(versions, as_of).items()}
    parents = {key: row["parent_process_id"] for key, row in rows.items()}
    found: list[Row] = []
    for process_id, row in rows.items():
        children = [
            child
            for child in rows.values()
            if child["parent_process_id"] == process_id and child["outcome"] != "deleted"
        ]
        slowest: tuple[int, str] | None = None
        for child in sorted(children, key=lambda child: child["process_id"]):
            ended_at = {"open": as_of, "completed": child["completed_at"]}.get(child["outcome"])
            if ended_at is not None:
                taken = ended_at - starts[child["process_id"]]
                if slowest is None or taken > slowest[0]:
                    slowest = (taken, child["process_id"])
        above = _above(process_id, parents)
        parent = rows.get(parents[process_id])
        found.append(
            {
                "process_id": process_id,
                "procedure": row["procedure"],
                "parent_process_id": parents[process_id],
                "parent_procedure": parent and parent["procedure"],
                "root_process_id": None if above is None else [process_id, *above][-1],
                "depth": None if above is None else len(above),
                "n_children": len(children),
                "n_open_children": sum(child["outcome"] == "open" for child in children),
                "slowest_child_id": slowest and slowest[1],
                "slowest_child_seconds": slowest and seconds(slowest[0]),
                "is_orphan": parents[process_id] is not None and parent is None,
                "is_in_cycle": _is_above_itself(process_id, parents),
            }
        )
    return found


def _above(process_id: str, parents: dict[str, str | None]) -> list[str] | None:
    """The known processes above, nearest first; null when there is no end to them."""
    above: list[str] = []
    parent = parents[process_id]
    while parent in parents:
        if parent in above:
            return None
        above.append(parent)
        parent = parents[parent]
    return above


def _is_above_itself(process_id: str, parents: dict[str, str | None]) -> bool:
    parent = parents[process_id]
    for _ in parents:
        if parent == process_id:
            return True
        parent = parents.get(parent) if parent is not None else None
    return False
