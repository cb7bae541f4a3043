"""Random histories of the changing job: lines in landing order, and the definitions they meet.

How they arrive, and what must come of them, belongs to the tests.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.support import changing_job as job
from tests.support.changing_job import Definition, changed, with_attribute, with_state

_STATES = (job.NEW, job.WORK, job.PARKED, job.DONE)
_PEOPLE = (None, *(f"4000000{n}-0000-4000-8000-000000000000" for n in range(3)))
_CLOSING = {"COMPLETED": "completedAt", "CANCELLED": "cancelledAt"}
# Hours after the start: few, so that ties, late versions and stays of no length are frequent.
HOURS = (0, 1, 2, 2.5, 9, 30, 31, 200, 1000)
_BAD_LINES = ("", "{", '{"id": 1}', "[]", '"text"', "null")

_ANSWER = {"name": "answer", "start": "created", "stop": "closed", "target": "1d"}
DEFINITIONS: tuple[Definition, ...] = (
    job.DEFINITION,
    changed(name="Job", primaryKey="size"),
    changed(attributes=job.ATTRIBUTES[::-1]),
    changed(attributes=[*job.ATTRIBUTES, job.attribute(job.COLOUR, "colour", "text", track=True)]),
    with_attribute(1, options=["S", "L", "XL"]),
    with_attribute(2, type="string"),
    with_attribute(2, shortId="points", aliases=["score"]),
    with_attribute(3, required=True, personal=True),
    with_state(1, shortId="DOING", name="In hand", kind="waiting_customer"),
    with_state(2, removed=True) | {"stategraph": job.GRAPH_WITHOUT_PARKED},
    changed(stategraph=None),
    changed(shortId="errand"),
    changed(calendar="berlin_office", slas=[_ANSWER]),
    changed(
        derivedAttributes=[
            job.attribute(job.WORTH, "worth", "decimal"),
            job.attribute(job.GAIN, "gain", "integer", formula="coalesce(score, 0) * 2"),
        ],
        rules={"core:completed_at:open": "null"},
    ),
)
"""Definitions of the job that all know every state and attribute that the first one has."""


def history_lines(random: Random) -> list[str]:
    """Lines about a few processes, in no order: ties, copies, late and bad lines among them.

    What `data` holds follows from process and instant, so that two lines of one instant differ in
    the same way for every definition.
    """
    lines = [
        line for number in range(1, random.randint(3, 9)) for line in _of_process(random, number)
    ]
    lines += random.choices(lines, k=random.randint(0, 3))
    lines += random.choices(_BAD_LINES, k=random.randint(0, 3))
    random.shuffle(lines)
    return lines


def _of_process(random: Random, number: int) -> Iterator[str]:
    usual = random.choice((job.JOB, job.JOB, job.TASK))
    moves = random.random() < 0.2
    states = random.sample(_STATES, random.randint(1, 4))
    values = {hours: _values(random) for hours in HOURS}
    for _ in range(random.randint(1, 8)):
        hours = random.choice(HOURS)
        status = random.choice(("OPEN", "OPEN", "OPEN", *_CLOSING))
        more: dict[str, Any] = {
            "procedure": random.choice((job.JOB, job.TASK)) if moves else usual,
            "status": status,
            "isDeleted": random.random() < 0.15,
            "assignedTo": random.choice(_PEOPLE),
            "nextActionAt": random.choice((None, job.START + 40 * job.HOUR)),
            "parentProcess": random.choice(
                (None, None, f"00000000-0000-4000-8000-{number // 2:012}")
            ),
        }
        if status in _CLOSING and random.random() < 0.8:
            earlier = random.choice((0, 0, 0.5, 50))
            more[_CLOSING[status]] = job.START + round((hours - earlier) * job.HOUR)
        yield job.line(number, hours, random.choice(states), values[hours], **more)


def _values(random: Random) -> dict[str, Any]:
    """Values under ids, shortIds and undeclared keys; some are missing or bad."""
    choices = {
        random.choice(("code", job.CODE)): ("A", "B", "", None),
        random.choice(("size", job.SIZE)): ("S", "L", "XL", 3),
        random.choice(("score", job.SCORE)): (1, "1", 146, "many", 2.5, True),
        random.choice(("due", job.DUE)): (1_767_261_600_000, "2026-01-01T10:00", "soon", 0),
        random.choice(("colour", job.COLOUR)): ("red", "blue"),
    }
    return {key: random.choice(values) for key, values in choices.items() if random.random() < 0.6}
