"""A small procedure whose definition changes, another that does not, and versions of both.

Values stand under ids, shortIds and undeclared keys; some are bad. Tests do not belong here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Definition = dict[str, Any]

START = 1_760_000_000_000
HOUR = 3_600_000
JOB, TASK = (f"1000000{n}-0000-4000-8000-000000000000" for n in range(2))
NEW, WORK, PARKED, DONE, CHECK = (f"3000000{n}-0000-4000-8000-000000000000" for n in range(5))
CODE, SIZE, SCORE, DUE, COLOUR = (f"2000000{n}-0000-4000-8000-000000000000" for n in range(5))
WORTH, GAIN = (f"2100000{n}-0000-4000-8000-000000000000" for n in range(2))


def state(id_: str, short_id: str, kind: str = "work", **changes: object) -> Definition:
    return {"id": id_, "shortId": short_id, "kind": kind, **changes}


def attribute(id_: str, short_id: str, type_: str, **changes: object) -> Definition:
    return {"id": id_, "shortId": short_id, "type": type_, **changes}


STATES = [
    state(NEW, "NEW", "queue"),
    state(WORK, "WORK"),
    state(PARKED, "PARKED", "waiting_other"),
    state(DONE, "DONE", "done"),
]
ATTRIBUTES = [
    attribute(CODE, "code", "stringId"),
    attribute(SIZE, "size", "stringEnum", options=["S", "L"], track=True),
    attribute(SCORE, "score", "integer", track=True),
    attribute(DUE, "due", "datetime"),
]
DEFINITION: Definition = {
    "id": JOB,
    "shortId": "job",
    "primaryKey": "code",
    "attributes": ATTRIBUTES,
    "derivedAttributes": [attribute(WORTH, "worth", "decimal")],
    "states": STATES,
    "startState": NEW,
    "completedState": DONE,
    "stategraph": {NEW: [WORK], WORK: [PARKED, DONE], PARKED: [WORK]},
    "funnels": [{"name": "all", "steps": [NEW, WORK, DONE]}],
}
OTHER: Definition = {
    **DEFINITION,
    "id": TASK,
    "shortId": "task",
    "funnels": [{"name": "tasks", "steps": [NEW, DONE]}],
}


CHECK_STATE = state(CHECK, "CHECK")
GRAPH_WITHOUT_PARKED = {NEW: [WORK], WORK: [DONE]}


def changed(**changes: object) -> Definition:
    return DEFINITION | changes


def with_attribute(position: int, **changes: object) -> Definition:
    attributes = [*ATTRIBUTES]
    attributes[position] = ATTRIBUTES[position] | changes
    return changed(attributes=attributes)


def with_state(position: int, **changes: object) -> Definition:
    states = [*STATES]
    states[position] = STATES[position] | changes
    return changed(states=states)


def write_definitions(folder: Path, *definitions: Definition) -> None:
    """Make a folder of definitions hold these, and nothing else."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for definition in definitions:
        (folder / f"{definition['id']}.json").write_text(json.dumps(definition))


def line(number: int, hours: float, state_: str, data: object, **changes: object) -> str:
    at = START + round(hours * HOUR)
    record = {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "team": JOB,
        "procedure": JOB,
        "status": "OPEN",
        "state": state_,
        "createdAt": START,
        "updatedAt": at,
        "data": data,
    }
    return json.dumps(record | changes)


def first_lines() -> Iterator[str]:
    """Five processes; the fifth is of the other procedure."""
    done = {"status": "COMPLETED", "completedAt": START + 9 * HOUR}
    yield line(1, 0, NEW, {"code": "A", "size": "S", "score": "1", "colour": "red"})
    yield line(1, 1, WORK, {"code": "A", "size": "S", "score": 1, "colour": "red"})
    yield line(1, 2, WORK, {"code": "A", "size": "L", SCORE: 2, "colour": "blue"})
    yield line(1, 9, DONE, {"code": "A", SIZE: "L", "points": 3, "colour": "blue"}, **done)
    yield line(2, 0, NEW, {"size": "M", "score": "x", "due": "2026-01-01T10:00"})
    yield line(2, 1, PARKED, {"size": "M", "score": "x", "due": 1_767_261_600_000})
    yield line(2, 2, WORK, {"code": "A", "size": "XL", "due": "soon"})
    yield line(2, 3, NEW, {"code": "A"})
    # Under one key and another: a change, and no duplicate, as long as they are not known as one.
    yield line(3, 0, WORK, {"colour": "red"}, derivedData={"worth": "12.5", "gain": 1})
    yield line(3, 1, WORK, {COLOUR: "red"}, derivedData={WORTH: "x", GAIN: "one"})
    yield line(3, 1, WORK, {"colour": "red"}, derivedData={"worth": "x", "gain": "one"})
    yield line(3, 2, PARKED, {"farbe": "red"}, derivedData={"worth": 12.5})
    yield line(4, 0, NEW, {"code": "B", "score": 146, "due": 0, "size": None})
    yield line(4, 5, DONE, {"code": "B", "score": "146", "size": ""}, **done)
    yield line(5, 0, NEW, {"code": "C", "size": "S", "colour": "red"}, procedure=TASK)
    yield line(5, 4, PARKED, {"code": "C", "size": "L"}, procedure=TASK)


def later_lines() -> Iterator[str]:
    """More versions of the same, late ones and repeated ones among them."""
    yield line(1, 1, WORK, {"code": "A", "size": "S", "score": 1, "colour": "red"})
    yield line(2, 4, WORK, {"code": "Z", "colour": "green"})
    yield line(3, 3, WORK, {"size": "S", "points": 7})
    yield line(4, 4, WORK, {"code": "B", "score": 1, COLOUR: "red"})
    yield line(6, 2, NEW, {"code": "D", "score": True}, derivedData={"gain": 5})
