"""Lines for files of users, pods, teams, entities and records.

What must come of them belongs to the tests.
"""

import json

ANN, BOB, EVE = (f"00000000-0000-4000-8000-{number:012x}" for number in (0xA, 0xB, 0xE))


def row(id_: str, name: object = None, **others: object) -> bytes:
    named = {} if name is None else {"name": name}
    return json.dumps({"id": id_} | named | others).encode() + b"\n"
