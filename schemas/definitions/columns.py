"""The columns of the wide table that attributes are kept in, named after their shortIds."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.catalogue.activities import PROCESS_CONTACTS
from schemas.catalogue.dimensions import LABELS
from schemas.catalogue.processes import PROCESS_LIFECYCLE, PROCESSES
from schemas.definitions.attribute_types import BY_NAME

RESERVED_COLUMNS = frozenset(
    (
        *PROCESSES.column_names,
        *(label.name for label in LABELS),
        *PROCESS_LIFECYCLE.column_names,
        *PROCESS_CONTACTS.column_names,
        "as_of",
    )
)
"""Names that mean something else beside the attributes: in the wide table, and in formulas."""

# Letters, the marks that belong to letters, and digits, in any alphabet.
_KEPT_CATEGORIES = frozenset("LMN")


@dataclass(frozen=True)
class ColumnRequest:
    """What an attribute needs: a column named after `name`, or several if its type has parts.

    `type` may be unknown while a definition is being checked. A computed attribute also has a
    column for the supplied value.
    """

    name: str
    type: str
    is_computed: bool = False

    def columns(self, stem: str) -> list[str]:
        """The columns of the attribute when the first of them begins with `stem`."""
        kind = BY_NAME.get(self.type)
        stems = [stem, f"{stem}_supplied"] if self.is_computed else [stem]
        return [column for stem in stems for column in (kind.columns(stem) if kind else [stem])]

    def is_shared(self, stem: str, needed: Mapping[str, int]) -> bool:
        """Whether another attribute needs one of the columns: `needed` counts them (lower case)."""
        return any(needed[column.lower()] > 1 for column in self.columns(stem))


def column_name(short_id: str) -> str:
    """The column of an attribute whose column no other attribute needs.

    Letters and digits of any alphabet are kept, in composed form (NFC); everything else becomes
    `_`. A column does not begin with a digit and is not one of `RESERVED_COLUMNS`.
    """
    composed = unicodedata.normalize("NFC", short_id)
    name = "".join(c if unicodedata.category(c)[0] in _KEPT_CATEGORIES else "_" for c in composed)
    if name[:1].isdigit():
        name = f"_{name}"
    return f"attr_{name}" if name.lower() in RESERVED_COLUMNS else name


def distinct_column_name(short_id: str) -> str:
    """The column of an attribute whose `column_name` another attribute needs too.

    It depends on the shortId alone, so that it stays when attributes change their order.
    """
    digest = hashlib.sha256(short_id.encode()).hexdigest()
    return f"{column_name(short_id)}_{digest[:6]}"


def assign_columns(requests: Sequence[ColumnRequest]) -> list[str]:
    """The first column (or its stem) of each attribute of a procedure.

    Where several attributes need the same column, the one whose shortId is that column keeps it;
    those whose shortIds had to be changed get a `distinct_column_name`.
    """
    stems = [column_name(request.name) for request in requests]
    while True:
        needed = Counter(
            column.lower()
            for request, stem in zip(requests, stems, strict=True)
            for column in request.columns(stem)
        )
        changed = [
            stem if stem == request.name or not request.is_shared(stem, needed) else distinct
            for request, stem in zip(requests, stems, strict=True)
            for distinct in [distinct_column_name(request.name)]
        ]
        if changed == stems:
            return stems
        stems = changed
