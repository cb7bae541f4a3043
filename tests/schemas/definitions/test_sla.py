"""SLA policies as they are written: what is accepted, and the problems of what is not.

Clocks do not belong here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.definitions.procedure import Procedure
from schemas.definitions.sla import Sla, SlaDuration, SlaEvent
from schemas.errors import DefinitionError
from schemas.load import load_procedure_files
from tests.support.order_definition import ID, MEANT_DONE, ORDER
from transforms.config.slas import shown_target

_GOOD = "{name: all, start: created, stop: completed, target: 4h}"
_EVENTS = (
    "created, first_assigned, completed, closed, first_call, connected_call, task_completed, "
    "`state: X`, `left: X`, or a list of these"
)
_RENEWING = (
    "with `repeat` events that can happen again while a process is open: connected_call, "
    "task_completed, created, `state: X`, `left: X`"
)
_PRIORITY = f"  - {{id: {ID}19, shortId: level, type: integerEnum, options: [1, 2]}}\n"


def written(sla: str) -> str:
    text = ORDER.replace("states:\n", f"{_PRIORITY}states:\n", 1)
    return f"{text}slas:\n  - {sla}\n"


def loaded(tmp_path: Path, sla: str) -> Procedure:
    path = tmp_path / "order.yaml"
    path.write_text(written(sla), encoding="utf-8")
    (procedure,) = load_procedure_files([path])
    return procedure


def problems(tmp_path: Path, sla: str) -> list[tuple[str, str, str]]:
    with pytest.raises(DefinitionError) as caught:
        loaded(tmp_path, sla)
    for problem in caught.value.problems:
        assert problem.line is not None
        assert "slas" in problem.key
    return [(problem.key, problem.found, problem.allowed) for problem in caught.value.problems]


def policy(tmp_path: Path, sla: str) -> Sla:
    return loaded(tmp_path, sla).slas[0]


@pytest.mark.parametrize(
    ("start", "events"),
    [
        ("created", [("created", None)]),
        ("[created, first_assigned]", [("created", None), ("first_assigned", None)]),
        ("[first_call, connected_call]", [("first_call", None), ("connected_call", None)]),
        ("task_completed", [("task_completed", None)]),
        ("'state: NEW'", [("state", "NEW")]),
        ("{state: NEW}", [("state", "NEW")]),
        ("{left: [NEW, ACTIVE]}", [("left", "NEW"), ("left", "ACTIVE")]),
        (f"[created, {{state: {ID}22}}, 'left: NEW']", None),
    ],
)
def test_ways_to_write_events(tmp_path: Path, start: str, events: Any) -> None:
    found = policy(tmp_path, f"{{name: all, start: {start}, stop: closed, target: 4h}}").start
    if events is None:
        events = [("created", None), ("state", "ACTIVE"), ("left", "NEW")]
    assert found == tuple(SlaEvent(*event) for event in events)


def test_a_policy_is_repeated_where_it_says_so(tmp_path: Path) -> None:
    assert not policy(tmp_path, _GOOD).repeat
    again = "{name: all, start: created, stop: ['left: NEW', closed], target: 4h, repeat: true}"
    assert policy(tmp_path, again).repeat


def test_ways_to_write_targets(tmp_path: Path) -> None:
    def target(text: str) -> Any:
        return policy(tmp_path, f"{{name: all, start: created, stop: closed, target: {text}}}")

    assert target("90s").target.duration == SlaDuration(milliseconds=90_000)
    assert target("{formula: score * 60}").target.formula == "score * 60"
    by = target("{by: level, values: {1: 4h, '2': 8h}, otherwise: 2d}").target
    assert by.values == {
        1: SlaDuration(milliseconds=14_400_000),
        2: SlaDuration(milliseconds=28_800_000),
    }
    assert shown_target(by) == "by level: 1: 4 h, 2: 8 h, otherwise 2 d"


def test_days_are_not_hours(tmp_path: Path) -> None:
    """A day is a working day of the calendar, 24 hours are 24 hours of working time."""

    def shown(text: str) -> str:
        sla = policy(tmp_path, f"{{name: all, start: created, stop: closed, target: {text}}}")
        return shown_target(sla.target)

    assert [shown(text) for text in ("1d", "24h", "60m", "90m", "90s", "120s", "2w")] == [
        "1 d",
        "24 h",
        "1 h",
        "90 min",
        "90 s",
        "2 min",
        "14 d",
    ]


@pytest.mark.parametrize("target", ["2w", "{by: level, values: {1: 4h, 2: 1w}}"])
@pytest.mark.parametrize(
    ("calendar", "of_policy", "is_refused"),
    [
        ("always", "", False),
        ("always", ", calendar: berlin_office", True),
        ("berlin_office", "", True),
        ("berlin_office", ", calendar: always", False),
        ("{formula: \"case when score > 5 then 'berlin_office' end\"}", "", True),
    ],
)
def test_weeks_are_refused_on_working_time(
    tmp_path: Path, target: str, calendar: str, of_policy: str, *, is_refused: bool
) -> None:
    path = tmp_path / "order.yaml"
    sla = f"{{name: all, start: created, stop: closed, target: {target}{of_policy}}}"
    path.write_text(f"{written(sla)}calendar: {calendar}\n", encoding="utf-8")
    if not is_refused:
        load_procedure_files([path])
        return
    with pytest.raises(DefinitionError) as caught:
        load_procedure_files([path])
    (problem,) = caught.value.problems
    assert (problem.key, problem.found) == (
        "slas[all].target",
        "weeks in a target on working time",
    )
    assert problem.line is not None


def test_pauses_are_states_and_kinds(tmp_path: Path) -> None:
    sla = policy(tmp_path, f"{_GOOD[:-1]}, pause: [queue, {ID}22]}}")
    assert sla.pause == ("queue", "ACTIVE")


def test_definitions_with_policies_have_a_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    prints: set[str] = set()
    for sla in (_GOOD, _GOOD.replace("4h", "{by: level, values: {1: 4h}}")):
        path.write_text(written(sla), encoding="utf-8")
        prints.add(load_procedure_files([path]).fingerprint)
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("sla", "expected"),
    [
        (
            "{name: all, start: begun, stop: completed, target: 4h}",
            [("slas[all].start", "'begun'", _EVENTS)],
        ),
        (
            "{name: all, start: created, stop: [], target: 4h}",
            [("slas[all].stop", "a list", _EVENTS)],
        ),
        (
            "{name: all, start: {state: GONE}, stop: completed, target: 4h}",
            [
                (
                    "slas[all].start.state",
                    "'GONE', which is not a declared state",
                    MEANT_DONE,
                )
            ],
        ),
        (
            "{name: all, start: created, stop: [closed, 'left: GONE'], target: 4h}",
            [
                (
                    "slas[all].stop[1]",
                    "'GONE', which is not a declared state",
                    MEANT_DONE,
                )
            ],
        ),
        (
            "{name: all, start: completed, stop: closed, target: 4h}",
            [
                (
                    "slas[all].stop",
                    "`completed` as start and as stop",
                    "events that are not in `start`",
                )
            ],
        ),
        (
            f"{{name: all, start: 'state: NEW', stop: {{state: [DONE, {ID}21]}}, target: 4h}}",
            [
                (
                    "slas[all].stop",
                    "`state: NEW` as start and as stop",
                    "events that are not in `start`",
                )
            ],
        ),
        (
            f"{_GOOD[:-1]}, pause: [queue, break, queue]}}",
            [
                (
                    "slas[all].pause[1]",
                    "'break', which is neither",
                    "a state (NEW, ACTIVE, DONE) or a kind (queue, work, waiting_customer, "
                    "waiting_other, done)",
                ),
                ("slas[all].pause[2]", "'queue' again", "each state and kind once"),
            ],
        ),
        (
            "{name: all, start: created, stop: [connected_call, first_call], target: 4h, repeat: true}",
            [("slas[all].stop", "`first_call`, which happens once", _RENEWING)],
        ),
        (
            "{name: all, start: created, stop: [completed, closed], target: 4h, repeat: true}",
            [("slas[all].stop", "only events that close a process", _RENEWING)],
        ),
        (
            f"{_GOOD[:-1]}, repeat: 2d}}",
            [("slas[all].repeat", "'2d'", "true or false")],
        ),
        (
            f"{_GOOD}\n  - {_GOOD}",
            [("slas[1].name", "'all' again", "each policy name once")],
        ),
        ("{start: created, stop: closed, target: 4h}", None),
        (
            "{name: all, start: created, stop: closed}",
            [
                (
                    "slas[all].target",
                    "nothing",
                    "a duration such as 4h, or a mapping with a formula, or with an attribute (by)",
                )
            ],
        ),
    ],
)
def test_bad_policies(tmp_path: Path, sla: str, expected: Any) -> None:
    found = problems(tmp_path, sla)
    if expected is None:
        assert [key for key, _, _ in found] == ["slas[0].name"]
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("target", "key", "found", "allowed"),
    [
        (
            "4 hours",
            "target",
            "'4 hours'",
            "a whole number and one of s, m, h, d, w, such as 90s, 30m, 12h, 7d, 2w",
        ),
        (
            "{}",
            "target",
            "none of them",
            "a duration such as 4h, or one of the keys formula and by",
        ),
        (
            "{formula: '1', by: level}",
            "target",
            "formula and by together",
            "a duration such as 4h, or one of the keys formula and by",
        ),
        ("{formula: '1', otherwise: 4h}", "target.otherwise", "durations by an attribute", None),
        ("{formula: cost * 2}", "target.formula", "unknown name `cost`", None),
        (
            "{formula: number}",
            "target.formula",
            "a formula that gives VARCHAR",
            "a number of seconds",
        ),
        (
            "{by: colour, values: {1: 4h}}",
            "target.by",
            "'colour', which is not a declared attribute",
            None,
        ),
        ("{by: level}", "target.values", "no values", "a duration for at least one value"),
        ("{by: level, values: {3: 4h}}", "target.values.3", "3", "one of the options 1, 2"),
        (
            "{by: level, values: {high: 4h}}",
            "target.values.high",
            "'high'",
            "a value of type integerEnum",
        ),
        ("{by: level, values: {1: soon}}", "target.values.1", "'soon'", None),
        ("{hours: 4}", "target.hours", "an unknown key", None),
    ],
)
def test_bad_targets(
    tmp_path: Path, target: str, key: str, found: str, allowed: str | None
) -> None:
    sla = f"{{name: all, start: created, stop: completed, target: {target}}}"
    by_key = {problem[0]: problem[1:] for problem in problems(tmp_path, sla)}
    assert by_key[f"slas[all].{key}"][0] == found
    assert allowed is None or by_key[f"slas[all].{key}"][1] == allowed


@pytest.mark.parametrize("warn", ["0%", "100%", "79.5%", "'80 %'", "soon"])
def test_a_warning_is_a_share_of_the_target(tmp_path: Path, warn: str) -> None:
    assert policy(tmp_path, f"{_GOOD[:-1]}, warn: 80%}}").warn == 80
    assert problems(tmp_path, f"{_GOOD[:-1]}, warn: {warn}}}") == [
        ("slas[all].warn", repr(warn.strip("'")), "a whole per cent from 1% to 99%, such as 80%")
    ]


def test_bad_conditions(tmp_path: Path) -> None:
    assert problems(tmp_path, f"{_GOOD[:-1]}, where: score}}") == [
        ("slas[all].where", "a formula that gives BIGINT", "BOOLEAN (use `cast(x as type)`)")
    ]
    ((key, found, _),) = problems(tmp_path, f"{_GOOD[:-1]}, where: n_reopens = 0}}")
    assert (key, found) == ("slas[all].where", "unknown name `n_reopens`")
