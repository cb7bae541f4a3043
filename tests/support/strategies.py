"""Hypothesis strategies: small histories of leads and tickets, and their raw form as landed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from tests.reference.definitions import read_definition, read_procedures
from tests.reference.versions import Version, drop_duplicates
from tests.support.identifiers import uid

_T = TypeVar("_T")

_FOLDER = Path(__file__).parents[2] / "schemas" / "procedures"
_FILES = (_FOLDER / "lead.yaml", _FOLDER / "ticket.yaml")
_RAW = {raw["shortId"]: raw for raw in map(read_definition, _FILES)}

PROCEDURES = read_procedures(*_FILES)
TIME_ZONE = "Europe/Berlin"

_SECOND = 1000
_HOUR = 3600 * _SECOND
# Midnight of 2024-03-31 in Berlin; that day has 23 hours.
MIDNIGHT = 1711839600 * _SECOND
# Few instants, so that ties, zero-length stays and events at midnight are frequent.
INSTANTS = (
    MIDNIGHT - 30 * _HOUR,
    MIDNIGHT - 1,
    MIDNIGHT,
    MIDNIGHT + 5 * _HOUR + 250,
    MIDNIGHT + 23 * _HOUR,
    MIDNIGHT + 40 * 24 * _HOUR,
)


PEOPLE = (uid("person a"), uid("person b"), uid("person c"))
TEAMS = (uid("team"), uid("other team"))
_instants = st.sampled_from(INSTANTS)
_maybe_instants = st.sampled_from((None, *INSTANTS))
_people = st.sampled_from((None, *PEOPLE))


def _mostly(usual: _T, other: st.SearchStrategy[_T]) -> st.SearchStrategy[_T]:
    return st.integers(0, 5).flatmap(lambda roll: other if roll == 5 else st.just(usual))


def as_ofs() -> st.SearchStrategy[int]:
    """An instant of a build: at, just before or long after the instants of the versions."""
    return st.sampled_from(
        (*INSTANTS, MIDNIGHT + 23 * _HOUR - 1, MIDNIGHT + 26 * _HOUR, MIDNIGHT + 90 * 24 * _HOUR)
    )


@st.composite
def version_lists(
    draw: st.DrawFn,
    *,
    max_processes: int = 4,
    max_versions: int = 8,
    with_procedure_changes: bool = False,
) -> list[Version]:
    """Accepted versions of 1 to `max_processes` processes, without exact duplicates.

    The list is in ingest order over two files, which is not the order of `updated_at`.
    Closing and assignment times may be missing or unbelievable, deletions come and go, and so do
    procedures where they may change.
    """
    count = draw(st.integers(1, max_processes))
    ids = [uid(f"process {number}") for number in range(count)]
    procedure_of = {process_id: draw(st.sampled_from(sorted(PROCEDURES))) for process_id in ids}
    versions: list[Version] = []
    for number, (process_id, usual) in enumerate(procedure_of.items()):
        few = {name: draw(_few_states(name)) for name in sorted(PROCEDURES)}
        changes = with_procedure_changes and draw(st.booleans())
        creation = draw(st.sampled_from(INSTANTS[:3]))
        team = draw(st.sampled_from(TEAMS))
        for _ in range(draw(st.integers(1, max_versions))):
            parent = draw(_parents(ids))
            others = sorted(PROCEDURES) if changes else ()
            procedure = draw(st.sampled_from((usual, usual, *others)))
            version = {
                "process_id": process_id,
                "procedure": procedure,
                "team_id": team,
                "status": draw(st.sampled_from(("OPEN", "OPEN", "COMPLETED", "CANCELLED"))),
                "state": draw(st.sampled_from(few[procedure])),
                "created_at": draw(_mostly(creation, _instants)),
                "updated_at": draw(_instants),
                "completed_at": draw(_maybe_instants),
                "cancelled_at": draw(_maybe_instants),
                "next_action_at": draw(_maybe_instants),
                "first_assigned_at": draw(_maybe_instants),
                "last_assigned_at": draw(_maybe_instants),
                "assigned_to": draw(_people),
                "first_assigned_to": draw(_people),
                "belongs_to": draw(st.sampled_from((None, uid("pod")))),
                "entity": _RAW[procedure]["entity"],
                "record": uid(f"record {number}"),
                "created_by": draw(_people),
                "primary_booking": draw(st.sampled_from((None, uid("booking")))),
                "parent_procedure": _RAW[procedure_of.get(parent, "lead")]["id"]
                if parent
                else None,
                "parent_process": parent,
                "is_deleted": draw(st.sampled_from((False, False, False, True))),
                "data": draw(_data(procedure, number)),
            }
            versions.append(version)
    return _ingested(draw, versions)


def to_landing(version: Version, *, keys: Literal["id", "shortId"] = "id") -> dict[str, Any]:
    """The version as a raw record of the platform, one line of a landing file once dumped as JSON.

    `keys` says how `data` is keyed and the state is named: internal or external export.
    """
    raw = _RAW[version["procedure"]]
    state_ids = {state["shortId"]: state[keys] for state in raw["states"]}
    attribute_ids = {attribute["shortId"]: attribute[keys] for attribute in raw["attributes"]}
    return {
        "id": version["process_id"],
        "team": version["team_id"],
        "procedure": raw["id"],
        "createdBy": version["created_by"],
        "assignedTo": version["assigned_to"],
        "firstAssignedTo": version["first_assigned_to"],
        "belongsTo": version["belongs_to"],
        "entity": version["entity"],
        "record": version["record"],
        "status": version["status"],
        "state": state_ids[version["state"]],
        "data": {attribute_ids[key]: value for key, value in version["data"].items()},
        "derivedData": {},
        "nextActionAt": version["next_action_at"],
        # The platform writes 0 for "not yet".
        "completedAt": version["completed_at"] or 0,
        "cancelledAt": version["cancelled_at"] or 0,
        "firstAssignedAt": version["first_assigned_at"] or 0,
        "lastAssignedAt": version["last_assigned_at"],
        "primaryBooking": version["primary_booking"],
        "parentProcedure": version["parent_procedure"],
        "parentProcess": version["parent_process"],
        "createdAt": version["created_at"],
        "updatedAt": version["updated_at"],
        "isDeleted": version["is_deleted"],
    }


def _few_states(procedure: str) -> st.SearchStrategy[list[str]]:
    known = [state["short_id"] for state in PROCEDURES[procedure]["states"]]
    return st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True)


def _parents(ids: list[str]) -> st.SearchStrategy[str | None]:
    """Often none; else a process of the list, itself included, or one that is not there."""
    return st.one_of(st.none(), st.none(), st.sampled_from((*ids, uid("process elsewhere"))))


def _data(procedure: str, number: int) -> st.SearchStrategy[dict[str, Any]]:
    """Attribute values by shortId: the required ones, and some that change and may be missing.

    Some do not convert or are no option, or say the same in another way.
    """
    if procedure == "lead":
        return st.fixed_dictionaries(
            {
                "full_name": st.just(f"Lead {number}"),
                "email": st.just(f"lead{number}@example.org"),
                "source": st.just("Event"),
            },
            optional={
                "score": st.sampled_from((0, 1, 40, "40", 40.0, "many", None)),
                "plan": st.sampled_from(("Starter", "Team", "Gold", "")),
                "consent": st.booleans(),
            },
        )
    return st.fixed_dictionaries(
        {"number": st.just(f"T-{number}"), "subject": st.just(f"Ticket {number}")},
        optional={
            "priority": st.sampled_from((1, 2, "2", 9)),
            "is_escalated": st.sampled_from((True, False, "TRUE", "perhaps")),
        },
    )


def _ingested(draw: st.DrawFn, versions: list[Version]) -> list[Version]:
    """The versions with their places in two files, of exact duplicates the first."""
    lines = [0, 0]
    for version in draw(st.permutations(versions)):
        file_no = draw(st.integers(0, 1))
        lines[file_no] += 1
        version["ingest_seq"] = (file_no, lines[file_no])
    return drop_duplicates(versions)


@st.composite
def task_lists(
    draw: st.DrawFn, *, max_tasks: int = 8, max_processes: int = 4
) -> list[dict[str, Any]]:
    """Versions of tasks in the order they land, some about processes that are not known."""
    return [
        {
            "id": uid(f"task {draw(st.integers(0, max_tasks // 2))}"),
            "process": draw(_subjects(max_processes)),
            "status": draw(st.sampled_from(("OPEN", "OPEN", "COMPLETED", "CANCELLED"))),
            "createdAt": draw(_maybe_instants),
            "updatedAt": draw(_instants),
            "completedAt": draw(_maybe_instants),
            "dueBy": draw(_maybe_instants),
            "startsAt": draw(_maybe_instants),
            "isDeleted": draw(st.sampled_from((False, False, False, True))),
        }
        for _ in range(draw(st.integers(0, max_tasks)))
    ]


@st.composite
def call_lists(
    draw: st.DrawFn, *, max_calls: int = 12, max_processes: int = 4
) -> list[dict[str, Any]]:
    """Versions of calls in the order they land, of which any time may be missing or too late."""
    calls: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, max_calls))):
        answered, hung_up = sorted(draw(st.tuples(_instants, _instants)))
        is_answered = draw(st.booleans())
        calls.append(
            {
                "id": uid(f"call {draw(st.integers(0, max_calls // 2))}"),
                "forProcess": draw(_subjects(max_processes)),
                "user": draw(_people),
                "callStatus": draw(st.sampled_from(("COMPLETED", "BUSY", "ANSWERED"))),
                "callStart": draw(_maybe_instants),
                "connectionStart": answered if is_answered else None,
                "connectionEnd": hung_up if is_answered and draw(st.booleans()) else None,
                "connectionDuration": draw(st.sampled_from((None, 0, 95))),
                "disposedAt": draw(_maybe_instants),
                "updatedAt": draw(_instants),
                "isDeleted": draw(st.sampled_from((False, False, False, True))),
            }
        )
    return calls


def _subjects(max_processes: int) -> st.SearchStrategy[str | None]:
    """What a task or call is about: a process, one that is not there, or none."""
    processes = (uid(f"process {number}") for number in range(max_processes))
    return st.sampled_from((*processes, uid("process elsewhere"), None))
