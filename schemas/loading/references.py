"""References within a procedure definition, by shortId or by id, resolved to shortIds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from schemas.loading.problems import Finding, KeyPath, as_list, as_mapping, shown
from schemas.nearest import did_you_mean


def entries_of(
    document: Mapping[str, object], section: str
) -> Iterator[tuple[KeyPath, Mapping[str, object]]]:
    for position, entry in enumerate(as_list(document.get(section))):
        if isinstance(entry, dict):
            yield (section, position), as_mapping(cast("object", entry))


def repeated(
    document: Mapping[str, object], section: str, *, allowed: str, key: str = "name"
) -> Iterator[Finding]:
    """Texts that more than one entry of a section has under a key."""
    seen: set[str] = set()
    for path, entry in entries_of(document, section):
        value = entry.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield Finding((*path, key), f"{shown(value)} again", allowed)
        seen.add(value)


@dataclass
class Names:
    """The shortIds of one kind of part, each also known by its id."""

    kind: str
    short_ids: list[str] = field(default_factory=list[str])
    by_id: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, kind: str, document: Mapping[str, object], section: str) -> Names:
        names = cls(kind)
        for _, entry in entries_of(document, section):
            id_, short_id = entry.get("id"), entry.get("shortId")
            if isinstance(short_id, str):
                names.short_ids.append(short_id)
                if isinstance(id_, str):
                    names.by_id[id_.lower()] = short_id
        return names

    def resolve(self, reference: object) -> str | None:
        """The shortId that a reference by shortId or id means; None if it means nothing."""
        if not isinstance(reference, str):
            return None
        return reference if reference in self.short_ids else self.by_id.get(reference.lower())

    def unknown(self, path: KeyPath, reference: str) -> Finding:
        near = did_you_mean(reference, self.short_ids)
        names = ", ".join(self.short_ids) or "none is declared"
        return Finding(
            path,
            f"{shown(reference)}, which is not a declared {self.kind}",
            near or f"the shortId or id of a declared {self.kind} ({names})",
        )


def normalised(
    document: Mapping[str, object], states: Names, attributes: Names
) -> dict[str, object]:
    """The document with shortIds for references; what means nothing stays as it is written."""
    result = dict(document)
    for key in ("startState", "completedState"):
        if key in result:
            result[key] = states.resolve(result[key]) or result[key]
    for key in ("primaryKey", "primaryIdentifier"):
        if key in result:
            result[key] = attributes.resolve(result[key]) or result[key]
    if isinstance(result.get("compareBy"), list):
        names = as_list(result["compareBy"])
        result["compareBy"] = [attributes.resolve(name) or name for name in names]
    graph = result.get("stategraph")
    if isinstance(graph, dict):
        written = as_mapping(cast("object", graph))
        # Every state has an entry and all are in order of rank, so that equal graphs look equal.
        moves: dict[object, object] = {state: [] for state in states.short_ids}
        for key, targets in written.items():
            moves[states.resolve(key) or key] = resolved(targets, states)
        result["stategraph"] = moves
    return result


def resolved(references: object, states: Names) -> object:
    """A reference as a shortId, or a list of them in order of rank."""
    if not isinstance(references, list):
        return states.resolve(references) or references
    written = as_list(cast("object", references))
    known = [state for item in written if (state := states.resolve(item)) is not None]
    if len(known) < len(written):
        return written
    return sorted(known, key=states.short_ids.index)


def bad_states(path: KeyPath, references: object, states: Names) -> Iterator[Finding]:
    """Unknown and repeated states in a list of references."""
    seen: set[str] = set()
    for position, reference in enumerate(as_list(references)):
        if not isinstance(reference, str) or not states.short_ids:
            continue
        state = states.resolve(reference)
        if state is None:
            yield states.unknown((*path, position), reference)
        elif state in seen:
            yield Finding((*path, position), f"{shown(reference)} again", "each state once")
        else:
            seen.add(state)
