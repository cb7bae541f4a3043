"""Checks that the link to a process shows nothing that is not published in clear."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.definitions.procedure import Procedure
from schemas.definitions.values import ID_PLACE, KEY_PLACE
from schemas.loading.problems import Finding


def bad_link(procedure: Procedure) -> Iterator[Finding]:
    """A link with a primary key that the procedure lacks, or that is not published in clear."""
    if procedure.link is None or KEY_PLACE not in procedure.link:
        return
    key = procedure.primary_key
    if key is None:
        found, allowed = "a procedure without a `primaryKey`", f"{ID_PLACE}, or a `primaryKey`"
    elif any(attribute.short_id == key for attribute in procedure.naming_attributes):
        return
    else:
        found = f"the attribute `{key}`, which is not published in clear"
        allowed = f"{ID_PLACE}, or a `primaryKey` that is not personal"
    yield Finding(("link",), f"{KEY_PLACE} with {found}", allowed)
