"""A small published history for exports: orders that were reopened, deleted, restored, and visits.

Each order has a reason to be there; what must be written of it belongs to the tests.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.run import Request
from pipelines.settings import Settings
from schemas.definitions.attribute_types import ATTRIBUTE_TYPES
from tests.pipelines.publish.test_types import DEFINITION, first_good, version
from tests.support.builds import build_all
from tests.support.identifiers import uid
from tests.support.made_once import made_once

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
START = 1_767_225_600_250  # 2026-01-01T00:00:00.250Z
HOUR = 3_600_000
ANN, BOB = uid("Ann"), uid("Bob")
POD, RECORD = uid("pod"), uid("record")
# Names sort as the ids do.
TIES, DELETED, NEVER, RESTORED = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
VISIT = uid("process 9")
STRANGE = "a & b < c > d \" ' e\n\tf\r \u0001\ufffe \u00fc \U0001f600 ]]>"

ORDER: dict[str, Any] = {
    "id": uid("order"),
    "shortId": "order",
    "attributes": [
        {"id": uid("note"), "shortId": "note", "type": "text", "personal": False},
        {"id": uid("size"), "shortId": "size", "type": "integer", "track": True},
        {"id": uid("place"), "shortId": "place", "type": "geolocation", "track": True}
        | {"personal": False},
        {"id": uid("mail"), "shortId": "mail", "type": "email", "track": True},
    ],
    "states": [
        {"id": uid("OPEN"), "shortId": "OPEN", "name": "New & <open>", "kind": "queue"},
        {"id": uid("PAID"), "shortId": "PAID", "kind": "work"},
        {"id": uid("SENT"), "shortId": "SENT", "name": "Sent", "kind": "done"},
        {"id": uid("BACK"), "shortId": "BACK", "name": "Sent", "kind": "done"},
    ],
    "startState": "OPEN",
    "completedState": "SENT",
}


def order(process: str, hours: float, state: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "id": process,
        "team": uid("team"),
        "procedure": ORDER["id"],
        "status": "OPEN",
        "state": state,
        "createdAt": START,
        "updatedAt": START + int(hours * HOUR),
        "data": {},
    } | changes


def closed(hours: float) -> dict[str, Any]:
    return {"status": "COMPLETED", "completedAt": START + int(hours * HOUR)}


FIRST: dict[str, Any] = {"note": STRANGE, "size": 1, "place": [1, 2], "mail": "a@b.de"}
LATER: dict[str, Any] = {**FIRST, "size": 2, "place": [1, 3], "mail": "c@d.de"}
ABOUT = {"belongsTo": POD, "record": RECORD, "createdBy": ANN}
ORDERS = [
    # Two states in one millisecond; completed, reopened and completed again; handed over, let go.
    order(TIES, 0, "OPEN", data=FIRST, **ABOUT),
    order(TIES, 1, "PAID", data=FIRST, assignedTo=ANN, **ABOUT),
    order(TIES, 1, "SENT", data=LATER, assignedTo=ANN, **closed(1), **ABOUT),
    order(TIES, 2, "BACK", data=LATER, assignedTo=BOB, **ABOUT),
    order(TIES, 3, "SENT", data=LATER | {"size": None}, **closed(3), **ABOUT),
    # A child of the first.
    order(DELETED, 0, "OPEN", parentProcess=TIES),
    order(DELETED, 1, "OPEN", parentProcess=TIES, isDeleted=True),
    # Never seen but deleted: no visit. Its parent is of another procedure.
    order(NEVER, 0, "OPEN", parentProcess=VISIT, isDeleted=True),
    order(RESTORED, 0, "PAID", assignedTo=BOB),
    order(RESTORED, 1, "PAID", assignedTo=BOB, isDeleted=True),
    order(RESTORED, 2, "SENT", assignedTo=BOB),
]
# One process with a value of every attribute type.
VISITS = [version(9, 0, {f"a_{kind}": first_good(kind) for kind in ATTRIBUTE_TYPES})]
NAMES = {
    "users": [{"id": ANN, "name": "Ann & co"}],
    "pods": [{"id": POD, "name": "North"}],
    "records": [{"id": RECORD, "name": "Harbour Dental"}],
}


def published_history(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The history, taken in and published once for all tests, which only read it."""
    return _settings_in(made_once("history", tmp_path_factory, publish_history))


def _settings_in(folder: Path) -> Settings:
    return Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )


def publish_history(folder: Path) -> Settings:
    """The history, taken in and published."""
    settings = _settings_in(folder)
    settings.landing.mkdir()
    settings.procedures.mkdir()
    for definition in (ORDER, DEFINITION):
        path = settings.procedures / f"{definition['shortId']}.json"
        path.write_text(json.dumps(definition))
    for name, lines in {"1": ORDERS + VISITS, **NAMES}.items():
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (settings.landing / f"{name}.ndjson").write_text(text)
    build_all(settings, Request(as_of=AS_OF))
    return settings
