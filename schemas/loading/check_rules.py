"""The `rules` of a definition: which rules have another severity in this procedure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.loading.problems import Finding, as_mapping, shown
from schemas.nearest import did_you_mean


def bad_rules(document: Mapping[str, object]) -> Iterator[Finding]:
    """Rules that do not exist or always reject, and levels that a rule cannot have."""
    if "rules" not in document:
        return
    # Pandera takes a second to load, and few definitions have rules.
    from schemas.records.all_rules import changeable_rules  # noqa: PLC0415

    known = changeable_rules()
    given = document["rules"]
    if not isinstance(given, dict):
        yield Finding(
            ("rules",), shown(given), "a mapping of rule ids to reject, null, flag or off"
        )
    for id_, level in as_mapping(document.get("rules")).items():
        path = ("rules", id_)
        if id_ not in known:
            near = did_you_mean(id_, known)
            found = f"{shown(id_)}, not the id of a rule that can be changed"
            yield Finding(path, found, near or "the id of a rule of severity `null` or `flag`")
        elif (level or "null") not in known[id_]:
            levels = ", ".join(known[id_])
            yield Finding(path, shown(level if level is not None else "null"), f"one of {levels}")
