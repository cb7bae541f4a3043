"""Tasks and calls: what the tables of activities and of contacts must say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from .days import local_day
from .durations import percentile_seconds
from .history import processes
from .intervals import limits
from .versions import Procedures, Row, Version, histories, start

Document = dict[str, Any]
"""A task or call as it lands, times in epoch milliseconds; a batch of them is in order."""

Activities = tuple[list[Document], list[Document]]
"""Tasks, and calls."""
NO_ACTIVITIES: Activities = ([], [])
DatedEvent = tuple[tuple[str, str | None], int]
"""An event of an SLA policy, and its instant."""


def latest(documents: list[Document], as_of: int) -> list[Document]:
    """The latest version of each, the last of those with one `updatedAt`."""
    found: dict[str, Document] = {}
    for document in documents:
        before = found.get(document["id"])
        if document["updatedAt"] > as_of:
            continue
        if before is None or document["updatedAt"] >= before["updatedAt"]:
            found[document["id"]] = document
    return list(found.values())


def tasks(
    documents: list[Document], versions: list[Version], procedures: Procedures, *, as_of: int
) -> list[Row]:
    known = {row["process_id"]: row for row in processes(versions, procedures, as_of=as_of)}
    rows: list[Row] = []
    for task in latest(documents, as_of):
        done, created, due = _done_at(task), task.get("createdAt"), task.get("dueBy")
        is_overdue = _is_open(task) and due is not None and due < as_of
        rows.append(
            {
                "task_id": task["id"],
                **_of_process(task.get("process"), known),
                "status": task["status"],
                "due_at": due,
                "is_overdue": is_overdue,
                "overdue_seconds": (as_of - due) / 1000 if is_overdue and due else None,
                "completion_seconds": None
                if done is None or created is None
                else max(done - created, 0) / 1000,
                "updated_at": task["updatedAt"],
                "is_deleted": task.get("isDeleted", False),
            }
        )
    return rows


def calls(
    documents: list[Document], versions: list[Version], procedures: Procedures, *, as_of: int
) -> list[Row]:
    known = {row["process_id"]: row for row in processes(versions, procedures, as_of=as_of)}
    rows: list[Row] = []
    for call in latest(documents, as_of):
        begun, answered = call.get("callStart"), call.get("connectionStart")
        hung_up, disposed = call.get("connectionEnd"), call.get("disposedAt")
        rows.append(
            {
                "call_id": call["id"],
                **_of_process(call.get("forProcess"), known),
                "status": call["callStatus"],
                "is_connected": is_connected(call),
                "ring_seconds": _between(begun, answered),
                "talk_seconds": talk / 1000
                if is_connected(call) and (talk := _talk_ms(call)) is not None
                else None,
                "wrap_up_seconds": _between(hung_up, disposed),
                "updated_at": call["updatedAt"],
                "is_deleted": call.get("isDeleted", False),
            }
        )
    return rows


def process_contacts(
    task_documents: list[Document],
    call_documents: list[Document],
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
) -> list[Row]:
    """Without the columns in working time."""
    started = {key: start(history) for key, history in histories(versions, as_of).items()}
    rows: list[Row] = []
    for process in processes(versions, procedures, as_of=as_of):
        key = process["process_id"]
        mine = [c for c in _present(call_documents, as_of) if c.get("forProcess") == key]
        todo = [t for t in _present(task_documents, as_of) if t.get("process") == key]
        since = sorted(
            (at, call["id"], call)
            for call in mine
            if (at := called_at(call)) is not None and at >= started[key]
        )
        answered = [n for n, (*_, call) in enumerate(since, start=1) if is_connected(call)]
        instants = [at for call in mine if (at := called_at(call)) is not None]
        open_tasks = [task for task in todo if task["status"] == "OPEN"]
        rows.append(
            {
                "process_id": key,
                "procedure": process["procedure"],
                "first_call_at": since[0][0] if since else None,
                "first_call_seconds": (since[0][0] - started[key]) / 1000 if since else None,
                "first_connected_call_at": min(
                    (
                        at
                        for *_, call in since
                        if is_connected(call) and (at := connected_at(call)) is not None
                    ),
                    default=None,
                ),
                "n_calls_until_connected": answered[0] if answered else None,
                "n_calls": len(mine),
                "n_connected_calls": sum(map(is_connected, mine)),
                "talk_seconds": sum(_talk_ms(c) or 0 for c in mine if is_connected(c)) / 1000,
                "last_call_at": max(instants, default=None),
                "n_tasks": len(todo),
                "n_open_tasks": len(open_tasks),
                "n_completed_tasks": sum(task["status"] == "COMPLETED" for task in todo),
                "n_overdue_tasks": sum((task.get("dueBy") or as_of) < as_of for task in open_tasks),
                "is_followed_up": _is_followed_up(process, open_tasks, max(instants))
                if instants
                else None,
            }
        )
    return rows


def call_stats(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    time_zone: str,
    documents: Sequence[Document] = (),
) -> list[Row]:
    """Without the names of users."""
    groups: dict[tuple[str, str, date | None, str | None], list[Document]] = defaultdict(list)
    of_process = {
        row["process_id"]: row["procedure"] for row in processes(versions, procedures, as_of=as_of)
    }
    for call in _present([*documents], as_of):
        procedure = of_process.get(call.get("forProcess") or "")
        if procedure is None:
            continue
        begun = call.get("callStart") or call.get("connectionStart") or call["updatedAt"]
        month = local_day(begun, ZoneInfo(time_zone)).replace(day=1)
        user = call.get("user")
        for level, period, who in (
            ("all", None, None),
            ("month", month, None),
            ("user", None, user),
            ("user_month", month, user),
        ):
            groups[procedure, level, period, who].append(call)
    rows: list[Row] = []
    for (procedure, level, period, who), group in groups.items():
        answered = [call for call in group if is_connected(call)]
        talked = [ms for call in answered if (ms := _talk_ms(call)) is not None]
        rung = [
            round(seconds * 1000)
            for call in group
            if (seconds := _between(call.get("callStart"), call.get("connectionStart"))) is not None
        ]
        reached = {call["forProcess"] for call in answered}
        rows.append(
            {
                "procedure": procedure,
                "level": level,
                "period": period,
                "user_id": who,
                "calls": len(group),
                "connected": len(answered),
                "share_connected": len(answered) / len(group),
                **limits("share_connected", len(answered), len(group)),
                "is_small": len(group) < 5,
                "processes": len({call["forProcess"] for call in group}),
                "processes_connected": len(reached),
                "calls_per_process_connected": len(group) / len(reached) if reached else None,
                "talk_seconds": sum(talked) / 1000,
                "p50_talk_seconds": percentile_seconds(talked, 0.5),
                "p50_ring_seconds": percentile_seconds(rung, 0.5),
            }
        )
    return rows


def activity_events(
    activities: Activities, process_id: str, started: int, *, as_of: int
) -> list[DatedEvent]:
    """What the tasks and calls of a process start and stop."""
    tasks_, calls_ = (_present(documents, as_of) for documents in activities)
    mine = [call for call in calls_ if call.get("forProcess") == process_id]
    first = min((at for c in mine if (at := called_at(c)) and at >= started), default=None)
    events = {("first_call", first)} if first else set[tuple[str, int]]()
    events |= {("connected_call", at) for c in mine if is_connected(c) and (at := connected_at(c))}
    events |= {
        ("task_completed", at)
        for task in tasks_
        if task.get("process") == process_id and (at := _done_at(task))
    }
    return [((name, None), at) for name, at in sorted(events)]


def is_connected(call: Document) -> bool:
    return (
        call.get("connectionStart") is not None
        or (call.get("connectionDuration") or 0) > 0
        or call["callStatus"] == "ANSWERED"
    )


def called_at(call: Document) -> int | None:
    return _not_after(call, call.get("callStart"), call.get("connectionStart"))


def connected_at(call: Document) -> int | None:
    return _not_after(call, call.get("connectionStart"), call.get("callStart"))


def _not_after(call: Document, *instants: int | None) -> int | None:
    known = [instant for instant in instants if instant is not None]
    return min(known[0], call["updatedAt"]) if known else None


def _present(documents: list[Document], as_of: int) -> list[Document]:
    return [d for d in latest(documents, as_of) if not d.get("isDeleted")]


def _done_at(task: Document) -> int | None:
    if task["status"] != "COMPLETED":
        return None
    return min(task.get("completedAt") or task["updatedAt"], task["updatedAt"])


def _is_open(task: Document) -> bool:
    return task["status"] == "OPEN" and not task.get("isDeleted")


def _talk_ms(call: Document) -> int | None:
    ends = call.get("connectionStart"), call.get("connectionEnd")
    if None not in ends:
        return ends[1] - ends[0]  # type: ignore[operator]
    given = call.get("connectionDuration")
    return None if given is None else given * 1000


def _between(started: int | None, ended: int | None) -> float | None:
    if started is None or ended is None or ended < started:
        return None
    return (ended - started) / 1000


def _is_followed_up(process: Row, open_tasks: list[Document], last_call: int) -> bool:
    planned = [
        next(
            (task[key] for key in ("dueBy", "endsAt", "startsAt", "createdAt") if task.get(key)),
            None,
        )
        for task in open_tasks
    ]
    if process["outcome"] == "open":
        planned.append(process["next_action_at"])
    return any(instant is not None and instant >= last_call for instant in planned)


def _of_process(process_id: str | None, known: dict[str, Row]) -> Row:
    process = known.get(process_id or "")
    return {
        "process_id": process_id,
        "is_orphan": process_id is not None and process is None,
        "procedure": process and process["procedure"],
        "process_assigned_to": process and process["assigned_to"],
    }
