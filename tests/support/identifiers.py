"""Ids for tests: uuids that follow from a name."""

from __future__ import annotations

import uuid


def uid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))
