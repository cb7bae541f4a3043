"""Users and configuration of the platform, as landing files that give ids their names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from pipelines.ingest.pull.answers import Answer, Record, parse_answer
from pipelines.ingest.pull.api import PAGE_LIMIT, Api
from pipelines.ingest.pull.parts import Part, config_path, dimension_name, with_name
from pipelines.ingest.pull.state import State
from pipelines.settings import Settings

USERS_PATH = "/v1/ext/users"
CONFIG_PATH = "/v1/ext/config"
# The dimension, and the keys of the configuration that may hold it: a list, or one object.
_IN_CONFIG = {"pods": ("pods",), "teams": ("teams", "team"), "entities": ("entities",)}
_WHOLE_NAMES = ("fullName", "displayName", "names")
_PARTS_OF_NAMES = ("firstName", "middleName", "lastName")
_OTHER_NAMES = ("username", "shortId")


def read_users(api: Api) -> list[Record]:
    """All users, each once. Raises what `Api.get_list` raises."""
    answer = api.get_list(USERS_PATH)
    found = _by_content(answer)
    # How users are paged is not documented: a list that promises more is asked for as processes.
    while answer.has_more and answer.records:
        answer = api.get_list(USERS_PATH, {"skip": len(found), "limit": PAGE_LIMIT})
        before = len(found)
        found |= _by_content(answer)
        if len(found) == before:
            break
    return list(found.values())


def dimensions_of(config: Mapping[str, Any]) -> dict[str, list[Record]]:
    """Pods, teams and entities of a configuration, as far as it has them."""
    found: dict[str, list[Record]] = {}
    for dimension, keys in _IN_CONFIG.items():
        objects = next((listed for key in keys if (listed := objects_of(config.get(key)))), [])
        if objects:
            body = json.dumps({"_data": objects}, ensure_ascii=False, separators=(",", ":"))
            found[dimension] = parse_answer(body.encode()).records or []
    return found


def objects_of(value: object) -> list[dict[str, Any]]:
    """The objects in a list of them, in an object of them by id, or one object with an `id`."""
    if isinstance(value, dict):
        single = cast("dict[str, Any]", value)
        value = [single] if "id" in single else [*single.values()]
    listed = cast("list[Any]", value) if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, dict)]


def land_dimension(
    state: State, settings: Settings, name: str, records: Iterable[Record], at: datetime
) -> int:
    """Land the rows of a dimension if one of them has changed; returns how many were landed."""
    records = list(records)
    content = b"\n".join(sorted(record.canonical for record in records))
    if not records or state.has_content(name, content):
        return 0
    file, target = state.next_file(), dimension_name(name, at)
    with Part(settings.landing / target) as part:
        for record in records:
            part.write(with_name(record.line, record.members, _name_of(record.members)))
    state.add_file(file, target, None)
    state.set_content(name, content, file)
    state.commit()
    return len(records)


def keep_config(state: State, settings: Settings, answer: Answer, at: datetime) -> None:
    """Keep the configuration as it came, unless it is the one that is kept already."""
    record = answer.one
    content = answer.body if record is None else record.canonical
    if state.has_content("config", content):
        return
    with Part(config_path(settings, at)) as part:
        part.write(answer.body)
    state.set_content("config", content, 0)
    state.commit()


def _by_content(answer: Answer) -> dict[bytes, Record]:
    return {record.canonical: record for record in answer.records or []}


def _name_of(members: Mapping[str, Any]) -> str | None:
    """What people call a user or a part of the configuration; None for what has its name."""
    if "name" in members:
        return None
    whole = [_text(members.get(key)) for key in _WHOLE_NAMES]
    parts = " ".join(filter(None, (_text(members.get(key)) for key in _PARTS_OF_NAMES)))
    others = [_text(members.get(key)) for key in _OTHER_NAMES]
    return next(filter(None, (*whole, parts, *others)), None)


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(filter(None, map(_text, cast("list[object]", value))))
    return value.strip() if isinstance(value, str) else ""
