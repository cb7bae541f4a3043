"""Event logs against a log that is followed event by event, in one file or in several."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.source_zone import SourceZone, example

HEADER = "case;changed;field;from;to"
Version = tuple[Any, ...]
"""Case, state, status, hour, owner and priority."""
STATES = {"open": "NEW", "in progress": "WORK", "solved": "SOLVED", "dropped": "DROPPED"}
STATUSES = {"NEW": "OPEN", "WORK": "OPEN", "SOLVED": "COMPLETED", "DROPPED": "CANCELLED"}


class Event(NamedTuple):
    case: str
    hour: int
    field: str
    old: str
    new: str

    @property
    def line(self) -> str:
        day, hour = divmod(self.hour + 1, 24)  # local time in winter
        return f"{self.case};{day + 1:02}.01.2026 {hour:02}:00;{self.field};{self.old};{self.new}"


@pytest.fixture
def zone(tmp_path: Path) -> SourceZone:
    return SourceZone(tmp_path / "landing", example("event_log", tmp_path))


def put(zone: SourceZone, name: str, *events: Event) -> None:
    zone.text(name, HEADER, *(event.line for event in events))


def created(case: str, hour: int) -> Event:
    return Event(case, hour, "created", "", "")


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Events of a few cases at different hours, each with the value that it replaces."""
    hours = draw(st.lists(st.integers(0, 600), min_size=1, max_size=12, unique=True))
    known: dict[str, dict[str, str]] = {}
    events: list[Event] = []
    for hour in sorted(hours):
        case = draw(st.sampled_from(["A", "B"]))
        if case not in known:
            known[case] = {"Status": "open", "Owner": "", "Priority": "2"}
            events.append(created(case, hour))
            continue
        field = draw(st.sampled_from(["Status", "Owner", "Priority", "Colour"]))
        new = draw(
            st.sampled_from(
                {"Status": [*STATES], "Owner": ["", "anna", "bo"], "Priority": ["1", "2", ""]}.get(
                    field, ["red"]
                )
            )
        )
        events.append(Event(case, hour, field, known[case].get(field, ""), new))
        known[case][field] = new
    return events


def followed(events: list[Event]) -> list[Version]:
    """What each event leaves behind, one after the other; what was before the first change of a
    field is what that change replaced.
    """
    now: dict[str, dict[str, str]] = {}
    for event in reversed(events):
        now.setdefault(event.case, {})[event.field] = event.old
    versions: list[Version] = []
    for event in events:
        now[event.case][event.field] = event.new
        state = STATES[now[event.case].get("Status") or "open"]
        owner, priority = now[event.case].get("Owner"), now[event.case].get("Priority")
        versions.append(
            (
                event.case,
                state,
                STATUSES[state],
                float(event.hour),
                owner or None,
                int(priority) if priority else None,
            )
        )
    return sorted(versions, key=lambda version: (version[0], version[3]))


def stored(zone: SourceZone) -> list[Version]:
    details = zone.rows("""
        select u.name, (v.data->>'priority')::int
        from raw.process_versions as v
        left join (select distinct id, name from raw.dimension_rows) as u on u.id = v.assigned_to
        order by v.data->>'number', v.updated_at, v.ingest_seq
    """)
    return [(*state, *more) for state, more in zip(zone.states(), details, strict=True)]


@pytest.mark.nightly
@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(events=logs(), cut=st.integers(0, 12), is_shuffled=st.booleans())
def test_each_event_leaves_what_all_before_it_changed(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], cut: int, is_shuffled: bool
) -> None:
    folder = tmp_path_factory.mktemp("log")
    zone = SourceZone(folder / "landing", example("event_log", folder))
    first, second = events[:cut], events[cut:]
    for name, part in (("audit_1.csv", first), ("audit_2.csv", second)):
        put(zone, name, *(reversed(part) if is_shuffled else part))
        zone.take_in()
    assert stored(zone) == without_later_knowledge(first, second)


def without_later_knowledge(first: list[Event], second: list[Event]) -> list[Version]:
    """What was before the first change of a field is known as soon as a file has that change."""
    before = {(v[0], v[3]): v for v in followed(first)}
    whole = followed_from(first, second)
    return [before.get((v[0], v[3]), v) for v in whole]


def followed_from(first: list[Event], second: list[Event]) -> list[Version]:
    """All versions; those of the second file begin with what the first one left."""
    left: dict[str, dict[str, str]] = {}
    for event in reversed(first):
        left.setdefault(event.case, {})[event.field] = event.old
    for event in first:
        left[event.case][event.field] = event.new
    new_cases = {event.case for event in second} - left.keys()
    for event in reversed(second):
        if event.case in new_cases:
            left.setdefault(event.case, {})[event.field] = event.old
    starts = [
        Event(case, -1, field, value, value)
        for case, fields in left.items()
        for field, value in fields.items()
    ]
    continued = [v for v in followed([*starts, *second]) if v[3] >= 0]
    return sorted([*followed(first), *continued], key=lambda v: (v[0], v[3]))


def test_a_log_may_come_again_with_more(zone: SourceZone) -> None:
    events = [created("A", 0), Event("A", 5, "Status", "open", "in progress")]
    put(zone, "audit_1.csv", *events)
    zone.take_in()
    put(zone, "audit_2.csv", *events, Event("A", 9, "Status", "in progress", "solved"))
    assert zone.take_in().counts.duplicates == 2
    assert zone.states() == [
        ("A", "NEW", "OPEN", 0),
        ("A", "WORK", "OPEN", 5),
        ("A", "SOLVED", "COMPLETED", 9),
    ]


def test_an_event_that_comes_too_late_is_rejected(zone: SourceZone) -> None:
    put(zone, "audit_1.csv", created("A", 0), Event("A", 9, "Status", "open", "solved"))
    zone.take_in()
    late = Event("A", 5, "Status", "open", "in progress")
    put(zone, "audit_2.csv", late, Event("A", 12, "Status", "solved", "open"))
    zone.take_in()
    assert zone.rejected() == [("audit_2.csv", 2, ["file:event:late"], late.line)]
    assert [state[1] for state in zone.states()] == ["NEW", "SOLVED", "NEW"]


def test_what_follows_a_rejected_event_is_held(zone: SourceZone) -> None:
    put(zone, "audit_1.csv", created("A", 0), Event("A", 3, "Status", "open", "parked"))
    put(zone, "audit_2.csv", Event("A", 5, "Owner", "", "anna"), created("B", 6))
    zone.take_in()
    assert [(file, line, rules) for file, line, rules, _ in zone.rejected()] == [
        ("audit_1.csv", 3, ["core:state_key:isin"]),
        ("audit_2.csv", 2, ["file:event:held"]),
    ]
    assert [state[0] for state in zone.states()] == ["A", "B"]


def test_a_log_that_begins_after_the_creation(zone: SourceZone) -> None:
    put(zone, "audit_1.csv", Event("A", 5, "Status", "in progress", "solved"))
    zone.take_in()
    assert zone.states() == [("A", "SOLVED", "COMPLETED", 5)]
