"""The lists of the platform's API that a pull reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from schemas.records.activities import ACTIVITIES
from schemas.records.dimensions import DIMENSIONS


@dataclass(frozen=True)
class Listed:
    """What is listed: the processes of a procedure, or all tasks, calls or records.

    `name` stands in messages, `key` in the state, and the names of files begin with `files`. `path`
    is that of the list, `one` that of objects by their ids, where they can be asked for.
    """

    name: str
    key: str
    files: str
    path: str
    one: str | None = None

    @classmethod
    def of_procedure(cls, procedure: str, short_id: str) -> Self:
        """The processes of a procedure, which the platform calls `short_id`."""
        place = f"/v1/ext/procedure/{quote(short_id, safe='')}/process"
        # A file `calls-...` has calls.
        is_taken = procedure in ACTIVITIES or procedure in DIMENSIONS
        files = f"processes-{procedure}" if is_taken else procedure
        return cls(procedure, procedure, files, f"{place}/list", place)

    @classmethod
    def of_other(cls, name: str, path: str) -> Self:
        """All tasks, calls or records. No shortId begins with the `/` of the key."""
        return cls(name, f"/{name}", name, path)

    @property
    def are_processes(self) -> bool:
        return self.one is not None
