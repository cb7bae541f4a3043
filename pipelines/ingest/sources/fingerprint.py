"""What the reading of a file by a source depends on."""

import hashlib
import json

from schemas.definitions.procedure import Procedures
from schemas.definitions.source import Source

_READING = 2
"""Raise it when the same source makes other lines of the same file."""


def fingerprint_source(source: Source | None, procedures: Procedures | None) -> str | None:
    """Two sha256: of a source with what it takes from its procedure, and of the whole procedure.

    None without a source.
    """
    if source is None or procedures is None:
        return None
    procedure = procedures.by_short_id[source.procedure]
    parts = (
        _READING,
        source.fingerprint,
        procedure.id,
        [(state.id, state.short_id, state.name) for state in procedure.states],
        [(attribute.short_id, attribute.type) for attribute in procedure.attributes],
        (procedure.start_state, procedure.completed_state),
        (procedure.primary_key, procedure.primary_identifier),
    )
    texts = (json.dumps(parts), procedure.model_dump_json())
    return " ".join(hashlib.sha256(text.encode()).hexdigest() for text in texts)


def is_current(stored: str | None, present: str | None, *, is_whole: bool) -> bool:
    """Whether a file was read as it would be now.

    Of one that is not taken in as a whole, the rules of its procedure decide too.
    """
    if stored is None or present is None or not is_whole:
        return stored == present
    return stored.split()[0] == present.split()[0]
