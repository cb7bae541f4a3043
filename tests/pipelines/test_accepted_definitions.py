"""What `leadtime check` accepts must run: definitions with unusual names, types and settings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import duckdb
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from pipelines.run import Request
from pipelines.settings import Settings
from schemas.definitions.attribute_types import BY_NAME
from schemas.errors import DefinitionError
from schemas.load import load_procedure_files, load_procedures
from tests.support.builds import build_all

SPACE = UUID("5ad0c1f2-7b1e-4c1d-9d0e-000000000000")
AT = 1_767_225_600_000  # 2026-01-01T00:00:00Z

TEXTS = st.sampled_from([
    "a", "A b", "größe", "日本", "İ", "ß", "€", "%", "'", '"', 'a"b', "a:raw", "x:type", "as_of",
    "select", "order", "null", "true", "a\0b", "\x85", "\u2028", "line\nbreak", "\u202e", "🎉",
    "\ud83c\udf89", "\ud83c", "x" * 3000, "$1", "{x}", ";", "--", "/*", "\\", "a/b", "~1", "[0]",
    "data", "value", "seq", "line", "process_id", "rowid", "checked a", "status", "attr_status",
    "record_id", "assigned_to_name", "\uffff", "%s", "?", "@a", "#", "NaN", "0", "007",
])  # fmt: skip
LABELS = TEXTS.filter(lambda text: text == text.strip())
SHORT_IDS = st.sampled_from([
    "stalled", "history", "history_a", "open", "a", "a_records", "a_processes", "raw", "core",
    "mart", "main", "select", "table", "_", "temp", "versions", "states", "Z" * 200,
])  # fmt: skip
OPTIONS = {
    "VARCHAR": st.lists(TEXTS, min_size=1, max_size=3, unique=True),
    "BIGINT": st.just([1, -5, 2**63 - 1]),
    "DOUBLE": st.just([1, 2.5, -1e300, 1e-320]),
}
FORMULAS = st.sampled_from([
    ("boolean", '"{}" is null'),
    ("integer", 'if("{}" is null, 1, 2)'),
    ("datetime", "as_of"),
    ("decimal", "n_versions * 1.5"),
    ("datetime", "created_at + interval '3 days'"),
])  # fmt: skip
DURATIONS = st.sampled_from(["1s", "7d", "5228w"])
VALUES = st.sampled_from([
    None, "", 1, "1", 2.5, True, "x", [], ["a"], [1], {"a": 1}, "2026-01-01", AT, "日本",
    {"lat": 1, "lng": 2}, 1e300,
])  # fmt: skip


def made_up(*keys: object) -> str:
    return str(uuid5(SPACE, repr(keys)))


@st.composite
def attributes(draw: st.DrawFn, section: str, names: list[str]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for name in names:
        kind = draw(st.sampled_from(sorted(BY_NAME.values(), key=lambda kind: kind.name)))
        made.append({"id": made_up(section, name), "shortId": name, "type": kind.name})
        if kind.options:
            made[-1]["options"] = draw(OPTIONS[kind.sql_type.removesuffix("[]")])
        if draw(st.booleans()):
            made[-1] |= {"name": draw(LABELS), "aliases": [f" {name}"]}
    return made


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(LABELS, min_size=3, max_size=7, unique_by=str.lower))
    entered = draw(attributes("attributes", names[:-2]))
    derived = draw(attributes("derived", names[-2:]))
    some = st.sampled_from(names[:-2])
    for attribute in derived[: draw(st.integers(0, 2))]:
        kind, formula = draw(FORMULAS)
        attribute.update(type=kind, formula=formula.format(draw(some).replace('"', '""')))
        attribute.pop("options", None)
    compared, broken_down = draw(some), draw(some)
    for attribute in entered:
        attribute.update(track=draw(st.booleans()), unique=draw(st.booleans()))
        if attribute["shortId"] in (compared, broken_down):
            attribute["personal"] = "no"
    states = draw(st.lists(LABELS, min_size=3, max_size=3, unique_by=str.lower))
    kinds = ("queue", "waiting_customer", "done")
    step = {"name": draw(LABELS), "states": [states[1]], "within": draw(DURATIONS)}
    short_id = draw(SHORT_IDS)
    return {
        "id": made_up("procedure", short_id),
        "shortId": short_id,
        "name": draw(LABELS),
        "primaryKey": draw(some),
        "attributes": entered,
        "derivedAttributes": derived,
        "recordAttributes": draw(attributes("records", names[:1])),
        "states": [
            {"id": made_up("states", state), "shortId": state, "name": draw(LABELS), "kind": kind}
            for state, kind in zip(states, kinds, strict=True)
        ],
        "startState": states[0],
        "completedState": states[2],
        "compareBy": [compared],
        "strict": draw(st.booleans()),
        "timezone": draw(st.sampled_from(["UTC", "Pacific/Apia", "EST5EDT", "Etc/GMT+5"])),
        "funnels": [
            {
                "name": draw(LABELS),
                "steps": [states[0], step, {"outcome": "completed"}],
                "within": draw(DURATIONS),
                "breakdowns": [broken_down],
            }
        ],
        "slas": [
            {
                "name": draw(LABELS),
                "start": "created",
                "stop": "closed",
                "target": draw(DURATIONS | st.just({"formula": "1e300"})),
            }
        ],
    }


def lines_of(definition: dict[str, Any], draw: Any) -> list[str]:
    versions = [
        {
            "id": made_up(definition["shortId"], 1),
            "team": made_up("team"),
            "procedure": definition["id"],
            "status": "OPEN",
            "state": state["shortId"],
            "createdAt": AT,
            "updatedAt": AT + hours * 3_600_000,
            "record": made_up("record"),
            "data": {a["shortId"]: draw(VALUES) for a in definition["attributes"]},
            "derivedData": {a["shortId"]: draw(VALUES) for a in definition["derivedAttributes"]},
        }
        for hours, state in enumerate(definition["states"])
    ]
    return [json.dumps(version) for version in versions]


@pytest.mark.nightly
@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(definitions(), min_size=6, max_size=6, unique_by=lambda d: d["shortId"]), st.data())
def test_a_definition_that_passes_the_check_runs(
    tmp_path_factory: pytest.TempPathFactory, made: list[dict[str, Any]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("accepted")
    place = Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )
    for part in (place.landing, place.procedures):
        part.mkdir()
    accepted: list[dict[str, Any]] = []
    for number, definition in enumerate(made):
        path = place.procedures / f"{number}.json"
        path.write_text(json.dumps(definition))
        try:
            load_procedure_files([path])
            accepted.append(definition)
        except DefinitionError as error:
            str(error).encode()  # can be shown
            path.unlink()
    assume(len(accepted) >= 3)
    assert len(load_procedures(place.procedures)) == len(accepted)
    lines = [line for definition in accepted for line in lines_of(definition, data.draw)]
    (place.landing / "a.ndjson").write_text("\n".join(lines))
    path = build_all(place, Request(as_of=datetime(2026, 2, 1, tzinfo=UTC)))
    assert processes(path) <= len(accepted)


def processes(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as con:
        ((n,),) = con.execute("select count(*) from processes").fetchall()
        return n
