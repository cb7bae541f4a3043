"""Full lists: differences, and deletions of what is missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.source_zone import SourceZone, example

HEADER = "id,phase,started,seats"


@pytest.fixture
def zone(tmp_path: Path) -> SourceZone:
    return SourceZone(tmp_path / "landing", example("snapshots", tmp_path))


def put(zone: SourceZone, day: int, *ids: str, seats: int = 1) -> str:
    name = f"subscriptions_2026-01-{day:02}.csv"
    zone.text(name, HEADER, *(f"{id_},trial,2026-01-02,{seats}" for id_ in ids))
    return name


def versions(zone: SourceZone) -> list[tuple[str, int, bool]]:
    """(key, day, deleted) of each version."""
    return zone.rows(
        "select data->>'number', day(updated_at), is_deleted from raw.process_versions "
        "order by updated_at, 1"
    )  # type: ignore[return-value]


def test_what_is_missing_is_deleted_and_may_come_back(zone: SourceZone) -> None:
    put(zone, 5, "A", "B", "C")
    put(zone, 6, "A", "C")
    put(zone, 7, "A", "B", "C")
    zone.take_in()
    assert versions(zone) == [
        ("A", 5, False), ("B", 5, False), ("C", 5, False), ("B", 6, True), ("B", 7, False),
    ]  # fmt: skip


def test_what_does_not_change_is_one_version_also_when_it_is_closed(zone: SourceZone) -> None:
    """The closing is that of the first list with it, the creation that of the first list at all."""
    source = zone.procedures.file_sources[0]
    bare = source.model_copy(update={"fields": {"id": "id", "state": "phase"}})
    zone.procedures = replace(zone.procedures, file_sources=(bare,))
    for day, phase in ((5, "trial"), (6, "ended"), (7, "ended"), (8, "ended")):
        zone.text(f"subscriptions_2026-01-{day:02}.csv", HEADER, f"A,{phase},,1")
        if day != 6:  # two files in one run, others each in their own
            zone.take_in()
    found = zone.rows(
        "select day(updated_at), day(created_at), day(completed_at) from raw.process_versions "
        "order by updated_at"
    )
    assert found == [(5, 5, None), (6, 5, 6)]


def test_too_many_missing_delete_nothing(zone: SourceZone) -> None:
    put(zone, 5, "A", "B", "C")
    name = put(zone, 6, "A")
    report = zone.take_in()
    assert report.notes == [
        f"{name}: 2 of 3 processes of the source subscriptions are missing from its list, but none "
        "was deleted: that is more than 40%, the largest share by `deleteAtMost`"
    ]
    assert not any(deleted for *_, deleted in versions(zone))


def test_a_rejected_row_deletes_nothing(zone: SourceZone) -> None:
    put(zone, 5, "A", "B", "C")
    name = put(zone, 6, "A", "C")
    with (zone.folder / name).open("a") as file:
        file.write("B,trial\n")
    report = zone.take_in()
    assert [note.endswith("1 of its rows are in quarantine") for note in report.notes] == [True]
    assert not any(deleted for *_, deleted in versions(zone))


def test_an_empty_list_deletes_nothing(zone: SourceZone) -> None:
    put(zone, 5, "A", "B", "C")
    put(zone, 6)
    assert len(zone.take_in().notes) == 1
    assert len(versions(zone)) == 3


def test_lists_come_in_order(zone: SourceZone) -> None:
    put(zone, 7, "A")
    zone.take_in()
    name = put(zone, 6, "A", seats=2)
    report = zone.take_in()
    assert report.unreadable == [
        f"{name}: it is the list of 2026-01-06T00:00:00, but that of 2026-01-07T00:00:00 was taken "
        "in before: lists must come in order"
    ]


def test_a_list_without_a_date_is_unreadable(zone: SourceZone) -> None:
    zone.text("subscriptions_new.csv", HEADER, "A,trial,2026-01-02,1")
    assert len(zone.take_in().unreadable) == 1


def test_each_day_shows_the_list_of_that_day(zone: SourceZone) -> None:
    """Whatever changes, the latest versions by a day are the rows of that day's list."""
    lists = {5: {"A": 1, "B": 1, "C": 1}, 6: {"A": 2, "B": 1, "C": 1}, 7: {"A": 2, "B": 3, "D": 1}}
    for day, rows in lists.items():
        zone.text(
            f"subscriptions_2026-01-{day:02}.csv",
            HEADER,
            *(f"{key},trial,2026-01-02,{seats}" for key, seats in rows.items()),
        )
        zone.take_in()
    for day, rows in lists.items():
        latest = zone.rows(f"""
            select data->>'number', (data->>'seats')::int from raw.process_versions
            where day(updated_at) <= {day}
            qualify row_number() over (
                partition by process_id order by updated_at desc, ingest_seq desc
            ) = 1 and not is_deleted
        """)
        assert dict(latest) == rows
