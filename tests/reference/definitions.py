"""Reads procedure definitions from YAML into the plain dicts the reference works with.

Checking definitions does not belong here: what is read must be right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .versions import Procedures

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def read_definition(path: Path) -> dict[str, Any]:
    """The definition as written, keys of the platform."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def read_procedures(*paths: Path) -> Procedures:
    """Per shortId: `states` in rank order, `stategraph` or null, `attributes`, `funnels`, `slas`, `indicators`, `durations`."""
    return {
        raw["shortId"]: {
            "states": [
                {
                    "short_id": state["shortId"],
                    "name": state.get("name", state["shortId"]),
                    "kind": state["kind"],
                }
                for state in raw["states"]
            ],
            "stategraph": raw.get("stategraph"),
            "calendar": raw.get("calendar"),
            "observed_since": raw.get("observedSince"),
            "names": [raw.get("primaryIdentifier"), raw.get("primaryKey")],
            "link": raw.get("link"),
            "attributes": [
                {
                    "id": attribute["id"],
                    "short_id": attribute["shortId"],
                    "type": attribute["type"],
                    "options": attribute.get("options", []),
                    "track": attribute.get("track", False),
                    "is_clear": "personal" not in attribute and attribute["type"] != "email",
                }
                for attribute in raw["attributes"]
            ],
            "funnels": [
                {
                    "name": funnel["name"],
                    "steps": [_step(step) for step in funnel["steps"]],
                    "within_ms": _milliseconds(funnel.get("within")),
                    "exclude": funnel.get("exclude", []),
                    "entry": funnel.get("entry", "first"),
                }
                for funnel in raw.get("funnels", [])
            ],
            "slas": [_policy(sla) for sla in raw.get("slas", [])],
            "indicators": [
                indicator | {"target": _target(indicator["target"])}
                for indicator in raw.get("indicators", [])
            ],
            "durations": [
                {
                    "name": duration["name"],
                    "start": events(duration["from"]),
                    "stop": events(duration["to"]),
                    "occurrence": duration.get("occurrence", "first"),
                }
                for duration in raw.get("durations", [])
            ],
        }
        for raw in map(read_definition, paths)
    }


def _step(step: str | list[str] | dict[str, Any]) -> dict[str, Any]:
    if isinstance(step, str):
        return {"name": step, "states": [step]}
    if isinstance(step, list):
        return {"name": " | ".join(step), "states": step}
    states = step.get("states", [])
    return {
        "name": step.get("name") or " | ".join(states) or step["outcome"],
        "states": states,
        "outcome": step.get("outcome"),
        "optional": step.get("optional", False),
        "within_ms": _milliseconds(step.get("within")),
        "gap_ms": _milliseconds(step.get("minGap")),
    }


def _target(written: float | str) -> float:
    """A number as it is, per cent as a share, a duration in seconds."""
    if not isinstance(written, str):
        return written
    if written.endswith("%"):
        return int(written.rstrip("%")) / 100
    milliseconds = _milliseconds(written)
    assert milliseconds is not None
    return milliseconds / 1000


def _policy(sla: dict[str, Any]) -> dict[str, Any]:
    policy: dict[str, Any] = {
        "name": sla["name"],
        "start": events(sla["start"]),
        "stop": events(sla["stop"]),
        "pause": sla.get("pause", []),
        "calendar": sla.get("calendar"),
        "warn_percent": int(sla["warn"].rstrip("%")) if "warn" in sla else None,
    }
    target = sla["target"]
    if isinstance(target, str):
        return policy | {"target": sla_target(target)}
    by = target["by"]
    durations = {str(value): sla_target(text) for value, text in target["values"].items()}
    otherwise = sla_target(target["otherwise"]) if "otherwise" in target else None
    return policy | {
        "reads": [by],
        "target": lambda values: durations.get(values[by], otherwise),
    }


def sla_target(written: str) -> tuple[str, int]:
    """The target of a policy: its unit (`ms`, or `days` of the calendar) and their number."""
    if written[-1] in "dw":
        return "days", int(written[:-1]) * (7 if written[-1] == "w" else 1)
    return "ms", int(written[:-1]) * _UNITS[written[-1]] * 1000


def events(written: Any) -> list[tuple[str, str | None]]:
    """The events of a clock as pairs of kind and state."""
    entries = written if isinstance(written, list) else [written]
    events: list[tuple[str, str | None]] = []
    for entry in entries:
        if isinstance(entry, dict):
            ((kind, states),) = entry.items()
            events += [(kind, s) for s in (states if isinstance(states, list) else [states])]
        else:
            kind, _, state = entry.partition(": ")
            events.append((kind, state or None))
    return events


def _milliseconds(within: str | None) -> int | None:
    return None if within is None else int(within[:-1]) * _UNITS[within[-1]] * 1000
