"""Landing files for inference, and what is proposed from them.

Tests do not belong here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.infer.inference import infer_procedure
from pipelines.infer.writing import write_proposal
from schemas.definitions.procedure import Attribute, DerivedAttribute, Procedure
from schemas.load import load_procedure_files

PROCEDURE = "8ab071db-3aeb-542a-9132-acadf89bff70"
OTHER = "65ab0278-e816-572e-8085-7c3adefbaa40"
START = 1_760_000_000_000
NOW = 1_780_000_000_000
HOUR = 3_600_000


def record(process: int, hours: float = 0, **changes: Any) -> dict[str, Any]:
    """A version of a process, some hours after its creation."""
    return {
        "id": f"00000000-0000-4000-8000-{process:012}",
        "team": OTHER,
        "procedure": PROCEDURE,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START,
        "updatedAt": START + int(hours * HOUR),
        "data": {},
        "derivedData": {},
    } | changes


def path_of(process: int, *states: str, end: str = "OPEN") -> list[dict[str, Any]]:
    """A process that goes through states, an hour each; its last version has the status `end`."""
    versions = [record(process, hours, state=state) for hours, state in enumerate(states)]
    versions[-1]["status"] = end
    return versions


def write(path: Path, records: Iterable[object]) -> Path:
    lines = (r if isinstance(r, str) else json.dumps(r) for r in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def proposed(path: Path, procedure: str | None = None) -> str:
    now = datetime.fromtimestamp(NOW / 1000, tz=UTC)
    return write_proposal(infer_procedure(path, now=now, procedure=procedure))


def loaded(text: str, folder: Path) -> Procedure:
    """The proposal as a definition: in order, or DefinitionError."""
    file = folder / "proposal.yaml"
    file.write_text(text, encoding="utf-8")
    (procedure,) = load_procedure_files([file])
    return procedure


def inferred(folder: Path, records: Iterable[object]) -> Procedure:
    return loaded(proposed(write(folder / "a.ndjson", records)), folder)


def inferred_value(folder: Path, key: str, values: Sequence[object]) -> Attribute:
    """The attribute proposed for a key that has each value in a process of its own."""
    records = [record(n, data={key: value}) for n, value in enumerate(values)]
    (attribute,) = inferred(folder, records).attributes
    return attribute


def notes(text: str) -> dict[str, str]:
    """The comment of each part that is written in one line, by its shortId."""
    lines = [line for line in text.splitlines() if line.startswith("  - {")]
    return {
        line.partition("shortId: ")[2].partition(",")[0]: line.rpartition("  # ")[2]
        for line in lines
    }


def by_short_id(
    values: Iterable[Attribute | DerivedAttribute],
) -> dict[str, Attribute | DerivedAttribute]:
    return {value.short_id: value for value in values}
