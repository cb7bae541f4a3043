"""Named durations in a definition: what is understood, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.definitions.sla import EVENTS_ALLOWED, SlaEvent
from tests.support.order_definition import ID, MEANT_NEW, ORDER, load, problems_of


def with_durations(*durations: str) -> str:
    return ORDER + "durations:\n" + "".join(f"  - {duration}\n" for duration in durations)


def test_events_are_those_of_policies_and_states_are_known_by_their_ids(tmp_path: Path) -> None:
    text = with_durations(
        '{name: pickup, from: created, to: "left: NEW"}',
        f"{{name: work, from: {{state: {ID}22}}, to: [closed, {{left: ACTIVE}}], occurrence: each}}",
    )
    pickup, work = load(tmp_path, text).durations
    assert (pickup.start, pickup.stop) == ((SlaEvent("created"),), (SlaEvent("left", "NEW"),))
    assert pickup.occurrence == "first"
    assert work.start == (SlaEvent("state", "ACTIVE"),)
    assert work.stop == (SlaEvent("closed"), SlaEvent("left", "ACTIVE"))
    assert work.occurrence == "each"


@pytest.mark.parametrize(
    ("duration", "problem"),
    [
        (
            "{name: resolution, from: created, to: closed}",
            (
                "durations[resolution].name",
                "'resolution'",
                "a name other than resolution, full_resolution, first_assignment, first_call, "
                "open, not beginning with business_",
            ),
        ),
        (
            "{name: business_x, from: created, to: closed}",
            (
                "durations[business_x].name",
                "'business_x'",
                "a name other than resolution, full_resolution, first_assignment, first_call, "
                "open, not beginning with business_",
            ),
        ),
        (
            "{name: x, from: begun, to: closed}",
            ("durations[x].from", "'begun'", EVENTS_ALLOWED),
        ),
        (
            '{name: x, from: created, to: "state: NEXT"}',
            (
                "durations[x].to",
                "'NEXT', which is not a declared state",
                "the shortId or id of a declared state (NEW, ACTIVE, DONE)",
            ),
        ),
        (
            '{name: x, from: "state: NEU", to: closed}',
            ("durations[x].from", "'NEU', which is not a declared state", MEANT_NEW),
        ),
        (
            "{name: x, from: created, to: [created, closed]}",
            (
                "durations[x].to",
                "`created` as from and as to",
                "events that are not in `from`",
            ),
        ),
        ("{name: x, from: created}", ("durations[0].to", "nothing", EVENTS_ALLOWED)),
        (
            "{name: x, from: created, to: closed, occurrence: all}",
            ("durations[x].occurrence", "'all'", "one of first, last, each"),
        ),
        (
            "{name: x, from: created, to: closed, stop: closed}",
            (
                "durations[x].stop",
                "an unknown key",
                "did you mean `to`? (name, from, to, occurrence)",
            ),
        ),
    ],
)
def test_a_mistake_is_one_problem(
    tmp_path: Path, duration: str, problem: tuple[str, str, str]
) -> None:
    assert problems_of(tmp_path, with_durations(duration)) == [problem]


def test_a_name_is_used_once(tmp_path: Path) -> None:
    text = with_durations(
        "{name: x, from: created, to: closed}", "{name: x, from: created, to: completed}"
    )
    assert problems_of(tmp_path, text) == [
        ("durations[1].name", "'x' again", "each duration name once")
    ]
