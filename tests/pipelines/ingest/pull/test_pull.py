"""What a pull lands, and what it asks for: every version that the platform shows, once."""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from pipelines.ingest.pull import listing as listing_module
from pipelines.ingest.pull.api import TokenRefused
from pipelines.ingest.pull.pull import pull
from pipelines.ingest.pull.report import ProcedurePull, PullReport
from pipelines.ingest.pull.state import open_state
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.fake_platform import (
    FAULTS,
    NOW,
    PERSONAL,
    START,
    TOKEN,
    Clock,
    Platform,
    landed,
    landed_lines,
    platform_settings,
    process,
    running_platform,
    texts,
)

DAY = 24 * 3_600_000


def pages(platform: Platform) -> list[dict[str, Any]]:
    """The bodies of the requests for pages."""
    return [body for _, body in platform.requests if body is not None]


def test_everything_is_landed_once_and_then_only_what_is_new(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(n) for n in range(250)]
    first = pull(settings, waits=Clock().waits)
    assert (first.versions, first.all_problems) == (250, [])
    assert landed(settings) == platform.processes["order"]
    # Pages of 100 that overlap by 10, one pass because nothing moved.
    assert [body["skip"] for body in pages(platform)] == [0, 90, 180]
    assert all(body["limit"] == 100 and body["where"] == {} for body in pages(platform))
    (one,) = first.procedures
    assert (one.pages, one.records, one.passes, one.processes) == (3, 270, 1, 250)
    assert one.updated_to is not None
    assert int(one.updated_to.timestamp() * 1000) == START + 249

    assert pull(settings, waits=Clock().waits).versions == 0
    changed = process(7, state="ACTIVE", updatedAt=START + DAY)
    platform.processes["order"][7] = changed
    platform.processes["order"].append(process(300))
    third = pull(settings, waits=Clock(NOW.replace(day=2)).waits)
    assert third.versions == 2
    assert landed(settings)[250:] == [changed, process(300)]
    assert len(third.procedures[0].files) == 1


def test_a_version_is_known_by_its_content_not_by_its_bytes(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(1)]
    assert pull(settings, waits=Clock().waits).versions == 1
    platform.processes["order"] = [dict(reversed(process(1).items()))]
    assert pull(settings, waits=Clock().waits).versions == 0
    # The same instant, another content: both count.
    platform.processes["order"] = [process(1, data={"number": "N1", "score": "1"})]
    assert pull(settings, waits=Clock(NOW.replace(day=2)).waits).versions == 1
    assert len(landed(settings)) == 2


def churn(platform: Platform, dice: random.Random) -> None:
    """Move, change, add or remove a process, as users do between two pages."""
    listed = platform.processes["order"]
    step = dice.choice(["front", "back", "change", "add", "remove", "shuffle", "none", "none"])
    place = dice.randrange(len(listed)) if listed else 0
    if step in ("front", "back") and listed:
        one = listed.pop(place)
        listed.insert(0 if step == "front" else len(listed), one)
    elif step == "change" and listed:
        one = listed.pop(place)
        moved = one | {"updatedAt": one["updatedAt"] + 1, "data": {"score": dice.randrange(99)}}
        listed.insert(dice.choice([0, place]), moved)
    elif step == "add":
        number = 1_000 + dice.randrange(10**6)
        listed.insert(0, process(number, createdAt=START))
    elif step == "remove" and len(listed) > 1:
        gone = listed.pop(place)
        platform.unlisted[gone["id"]] = gone | {"isDeleted": True}
    elif step == "shuffle":
        dice.shuffle(listed)


PLANS = st.fixed_dictionaries(
    {
        # At most three faults in a row: after six tries a pull gives up.
        "faults": st.lists(
            st.one_of(st.none(), st.none(), st.sampled_from(FAULTS)), max_size=25
        ).map(lambda plan: [None if n % 4 == 3 else fault for n, fault in enumerate(plan)]),
        "size": st.integers(0, 23),
        "cap": st.sampled_from([1, 2, 5, 7, 100]),
        "seed": st.integers(0, 10**6),
        "moves": st.integers(0, 30),
        "says_more": st.booleans(),
    }
)


@profile(max_examples=15)
@given(plan=PLANS)
def test_whatever_fails_or_moves_what_was_shown_is_landed_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, plan: dict[str, Any]
) -> None:
    pull_by_plan(tmp_path_factory.mktemp("pull"), **plan)


@pytest.mark.nightly
@profile(max_examples=400)
@given(plan=PLANS)
def test_the_same_at_full_scale(
    tmp_path_factory: pytest.TempPathFactory, plan: dict[str, Any]
) -> None:
    pull_by_plan(tmp_path_factory.mktemp("pull"), **plan)


def pull_by_plan(
    folder: Path,
    *,
    faults: list[str | None],
    size: int,
    cap: int,
    seed: int,
    moves: int,
    says_more: bool,
) -> None:
    """Pull while the list moves and answers fail, then twice while nothing moves."""
    dice = random.Random(seed)
    left = moves
    with running_platform() as platform:
        settings = platform_settings(folder, platform.url)
        platform.processes["order"] = [process(n) for n in range(size)]
        platform.cap, platform.says_more, platform.faults = cap, says_more, faults

        def move() -> None:
            nonlocal left
            if left > 0:
                left -= 1
                churn(platform, dice)

        platform.after_page = move
        clock = Clock()
        assert pull(settings, waits=clock.waits).all_problems == []
        fetched = [one for one in platform.unlisted.values() if one in landed(settings)]
        assert texts(landed(settings)) == texts([*platform.shown, *fetched])
        left, platform.faults = 0, []
        clock.sleep(60)
        pull(settings, waits=clock.waits)
        # When nothing moves any more, nothing is missing.
        assert texts(platform.processes["order"]) <= texts(landed(settings))
        clock.sleep(60)
        assert pull(settings, waits=clock.waits).versions == 0


def test_a_gap_between_pages_is_closed_by_the_next_pass(
    platform: Platform, settings: Settings
) -> None:
    platform.cap = 20
    platform.processes["order"] = [process(n) for n in range(60)]
    asked = 0

    def move_the_last_to_the_front_after_the_first_page() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            platform.processes["order"].insert(0, platform.processes["order"].pop())

    platform.after_page = move_the_last_to_the_front_after_the_first_page
    report = pull(settings, waits=Clock().waits)
    assert report.versions == 60
    assert report.procedures[0].passes == 2
    assert texts(landed(settings)) == texts([process(n) for n in range(60)])


def test_a_list_that_never_rests_is_read_a_few_times(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(n) for n in range(30)]
    platform.cap = 10
    added = iter(range(100, 10_000))

    def add() -> None:
        # In front, where the pass has been, and older than the pull.
        platform.processes["order"].insert(0, process(next(added)))

    platform.after_page = add
    report = pull(settings, waits=Clock().waits)
    (one,) = report.procedures
    assert one.passes == 4
    assert any("still moved" in note for note in one.notes)
    assert report.all_problems == []
    assert texts(landed(settings)) == texts(platform.shown)


def test_processes_that_are_created_meanwhile_cost_no_further_pass(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(n) for n in range(30)]
    platform.cap = 20
    later = int(NOW.timestamp() * 1000) + 3_600_000
    added = iter(range(100, 10_000))
    platform.after_page = lambda: platform.processes["order"].insert(
        0, process(next(added), createdAt=later)
    )
    assert pull(settings, waits=Clock().waits).procedures[0].passes == 2


def test_pages_that_repeat_for_ever_are_an_error(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [process(n) for n in range(3)]
    platform.ignores_skip = True
    report = pull(settings, waits=Clock().waits)
    assert "50 pages in a row show nothing new" in report.all_problems[0]
    assert len(landed(settings)) == 3


def test_a_token_that_expires_stops_at_once_and_the_next_pull_goes_on(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.processes["order"] = [process(n) for n in range(300)]
    platform.faults = [None, None, "401"]
    clock = Clock()
    with pytest.raises(TokenRefused, match="LEADTIME_API_TOKEN: the API refuses the token") as no:
        pull(settings, waits=clock.waits)
    assert clock.slept == []
    assert TOKEN not in f"{no.value!r}{no.value}"
    assert PERSONAL not in str(no.value)
    assert len(landed(settings)) == 190
    platform.token = "renewed"
    monkeypatch.setenv("LEADTIME_API_TOKEN", "renewed")
    platform.requests.clear()
    clock.sleep(3600)
    assert pull(settings, waits=clock.waits).versions == 110
    # From where it stood; then once more, because nobody knows what moved in between.
    assert [body["skip"] for body in pages(platform)] == [180, 270, 0, 90, 180, 270]
    assert texts(landed(settings)) == texts(platform.processes["order"])
    assert len(landed(settings)) == 300


class Killed(BaseException):
    """As good as SIGKILL: no handler of errors stops it."""


@pytest.mark.parametrize("fatal_page", [1, 3, 6])
def test_a_killed_pull_loses_nothing(
    platform: Platform,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    fatal_page: int,
) -> None:
    monkeypatch.setattr(listing_module, "_PAGES_OF_A_PART", 2)
    platform.cap = 20
    platform.processes["order"] = [process(n) for n in range(100)]
    seen = 0

    def die(_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == fatal_page:
            raise Killed

    clock = Clock()
    with pytest.raises(Killed):
        pull(settings, waits=clock.waits, on_page=die)
    complete = len(landed(settings))
    assert complete == {1: 0, 3: 30, 6: 50}[fatal_page]
    assert not [*settings.landing.rglob(".*")]
    clock.sleep(60)
    assert pull(settings, waits=clock.waits).versions == 100 - complete
    assert len(landed(settings)) == 100
    assert texts(landed(settings)) == texts(platform.processes["order"])


def test_a_pass_that_was_broken_off_is_no_proof(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_module, "_PAGES_OF_A_PART", 2)
    platform.cap = 20
    listed = platform.processes["order"] = [process(n) for n in range(100)]
    hidden = process(98)
    asked = 0

    def move() -> None:
        """Hide two processes from the first pass, and one of them from the second too."""
        nonlocal asked
        asked += 1
        if asked == 1:
            listed[:0] = [listed.pop(), listed.pop()]
        elif asked in (9, 10):
            listed.remove(hidden)
            listed.insert(0 if asked == 10 else len(listed), hidden)

    platform.after_page = move

    def die(one: ProcedurePull) -> None:
        if one.pages == 12:
            raise Killed

    clock = Clock()
    with pytest.raises(Killed):
        pull(settings, waits=clock.waits, on_page=die)
    # The first part of the second pass has shown the other one, and is landed.
    assert process(99) in landed(settings)
    assert hidden not in landed(settings)
    clock.sleep(60)
    pull(settings, waits=clock.waits)
    assert texts(landed(settings)) == texts(listed)


def test_leftovers_of_a_killed_pull_are_removed(platform: Platform, settings: Settings) -> None:
    folder = settings.landing / "pull"
    folder.mkdir(parents=True)
    (folder / ".order-1.ndjson.gz.abc").write_text("half")
    pull(settings, waits=Clock().waits)
    assert [*settings.landing.rglob(".*")] == []


def test_a_part_that_was_landed_but_not_noted_comes_again(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(1)]
    clock = Clock()
    pull(settings, waits=clock.waits)
    with sqlite3.connect(settings.pull / "state.sqlite") as con:
        con.execute("delete from processes")
    con.close()
    clock.sleep(60)
    assert pull(settings, waits=clock.waits).versions == 1
    assert landed(settings) == [process(1), process(1)]


def test_files_that_vanish_before_a_run_are_pulled_again(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(n) for n in range(3)]
    platform.users = [{"id": process(1)["id"], "username": "ann"}]
    clock = Clock()
    pull(settings, waits=clock.waits)
    platform.processes["order"].append(process(3))
    clock.sleep(60)
    pull(settings, waits=clock.waits)
    lost, kept = sorted((settings.landing / "pull").glob("*.ndjson.gz"))
    lost.unlink()
    clock.sleep(60)
    report = pull(settings, waits=clock.waits)
    assert report.versions == 3
    assert "1 landing file of earlier pulls vanished" in report.notes[0]
    # What a run has taken in may vanish.
    kept_name = kept.relative_to(settings.landing).as_posix()
    entry = {
        "file_seq": 1,
        "sha256": "0",
        "content": "processes",
        "file_name": kept_name,
        "bytes": 1,
        "status": "complete",
        "is_stored": True,
    }
    settings.manifest.write_text(json.dumps(entry) + "\n")
    kept.unlink()
    clock.sleep(60)
    assert pull(settings, waits=clock.waits).versions == 0


def test_no_landing_file_is_replaced(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [process(1)]
    pull(settings, waits=Clock().waits)
    platform.processes["order"] = [process(2)]
    platform.unlisted = {process(1)["id"]: process(1)}
    with pytest.raises(OperationError, match=r"exists already. Check the clock"):
        pull(settings, waits=Clock().waits)
    assert landed(settings) == [process(1)]
    assert pull(settings, waits=Clock(NOW.replace(day=2)).waits).versions == 1


def test_full_lands_everything_again(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [process(n) for n in range(3)]
    platform.users = [{"id": process(1)["id"], "username": "ann"}]
    clock = Clock()
    pull(settings, waits=clock.waits)
    clock.sleep(60)
    report = pull(settings, waits=clock.waits, full=True)
    assert (report.versions, report.dimensions["users"]) == (3, 1)
    assert len(landed(settings)) == 6


def test_what_is_listed_no_more_is_fetched_by_its_id_once(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(n) for n in range(4)]
    clock = Clock()
    pull(settings, waits=clock.waits)
    deleted = process(1, isDeleted=True, updatedAt=START + DAY)
    platform.unlisted = {deleted["id"]: deleted}
    del platform.processes["order"][1:3]
    clock.sleep(60)
    report = pull(settings, waits=clock.waits)
    assert landed(settings)[4:] == [deleted]
    assert report.procedures[0].notes == [
        "2 known processes no longer listed, of which 1 could be fetched by id"
    ]
    assert report.all_problems == []
    platform.requests.clear()
    clock.sleep(60)
    assert pull(settings, waits=clock.waits).procedures[0].notes == []
    assert len(platform.requests) == 3
    # Restored: listed again, and missed again when it goes a second time.
    restored = process(1, updatedAt=START + 2 * DAY)
    platform.processes["order"].append(restored)
    clock.sleep(60)
    assert pull(settings, waits=clock.waits).versions == 1
    platform.processes["order"].pop()
    platform.unlisted = {deleted["id"]: deleted | {"updatedAt": START + 3 * DAY}}
    clock.sleep(60)
    assert pull(settings, waits=clock.waits).versions == 1


def test_the_mark_is_used_only_where_the_api_filters_by_it(
    platform: Platform, settings: Settings
) -> None:
    at = int(NOW.timestamp() * 1000)
    old = [process(n, updatedAt=at - 10 * DAY + n) for n in range(5)]
    future = process(9, updatedAt=at + 400 * DAY)
    platform.processes["order"] = [*old, process(6, updatedAt=at - 2 * DAY), future]
    clock = Clock()
    first = pull(settings, waits=clock.waits)
    # Not the version from the future: it would hide what changes until then.
    updated_to = first.procedures[0].updated_to
    assert updated_to is not None
    assert updated_to.timestamp() * 1000 == at - 2 * DAY
    pull(settings, waits=clock.waits)
    assert all(body["where"] == {} for body in pages(platform))

    platform.filters = True
    filtering = replace(settings, api_filters_updated_at=True)
    platform.requests.clear()
    platform.processes["order"][0] = process(0, updatedAt=at - DAY)
    clock.sleep(60)
    report = pull(filtering, waits=clock.waits)
    assert report.versions == 1
    since = (NOW.replace(month=5, day=29)).isoformat(timespec="milliseconds")
    assert [body["where"] for body in pages(platform)] == [{"updatedAt": {">=": since}}]
    assert report.procedures[0].records == 3
    # A full pull trusts no mark.
    platform.requests.clear()
    clock.sleep(60)
    pull(filtering, waits=clock.waits, full=True)
    assert [body["where"] for body in pages(platform)] == [{}]


def test_a_filter_that_hides_everything_is_not_trusted(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(n) for n in range(5)]
    clock = Clock()
    pull(settings, waits=clock.waits)
    listed, platform.processes["order"] = platform.processes["order"], []
    real = platform.page

    def page(short_id: str, body: dict[str, Any]) -> dict[str, Any]:
        platform.processes["order"] = [] if body["where"] else [*listed, process(6)]
        return real(short_id, body)

    platform.page = page  # type: ignore[method-assign]
    clock.sleep(60)
    report = pull(replace(settings, api_filters_updated_at=True), waits=clock.waits)
    assert report.versions == 1
    assert "let nothing through" in report.procedures[0].notes[0]


def test_usernames_are_counted(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [
        process(1, assignedTo=PERSONAL),
        process(2, assignedTo=process(1)["id"]),
        process(3, assignedTo=""),
        process(4, assignedTo=None),
    ]
    report = pull(settings, waits=Clock().waits)
    (note,) = report.procedures[0].notes
    assert note.startswith("1 new version with an assignee who is not a uuid")
    assert PERSONAL not in note


def test_errors_beside_data_are_shown_by_their_codes(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [process(1)]
    platform.errors = [{"code": "PARTIAL_RESULT", "message": PERSONAL}, PERSONAL, "7701214822"]
    report = pull(settings, waits=Clock().waits)
    assert report.versions == 1
    assert report.all_problems == [
        "order: answers have `_errors`: PARTIAL_RESULT, an error without a code"
    ]
    # A filter by the mark would hide what the answer lacked.
    assert report.procedures[0].updated_to is None


def test_a_procedure_that_fails_does_not_stop_the_others(
    platform: Platform, settings: Settings
) -> None:
    text = (settings.procedures / "order.yaml").read_text()
    other = text.replace("shortId: order", "shortId: another").replace("0000000001", "0000000091")
    (settings.procedures / "another.yaml").write_text(other)
    platform.config = {"pods": []}
    platform.processes["order"] = [process(1)]
    report = pull(settings, waits=Clock().waits)
    assert [one.procedure for one in report.procedures] == ["another", "order"]
    (problem,) = report.all_problems
    assert problem.startswith("another: POST /v1/ext/procedure/another/process/list: ")
    assert "404 (NOT_FOUND)" in problem
    assert PERSONAL not in problem
    assert report.versions == 1


def test_a_procedure_that_the_platform_lacks_is_left_out(
    platform: Platform, settings: Settings
) -> None:
    platform.config["procedures"] = [{"id": START, "shortId": "x"}, {"id": "a-b", "shortId": "y"}]
    report = pull(settings, waits=Clock().waits)
    assert report.notes == ["the platform has no procedure order: left out"]
    assert (report.procedures, report.all_problems) == ([], [])
    named = pull(settings, waits=Clock().waits, names=["order"])
    assert named.all_problems == ["order: the platform has no such procedure"]
    with pytest.raises(
        OperationError, match=r"--procedure: found 'oder'. Name one of these: order"
    ):
        pull(settings, waits=Clock().waits, names=["oder"])


def test_only_one_pull_at_a_time(settings: Settings) -> None:
    with (
        open_state(settings),
        pytest.raises(OperationError, match="another pull is at work"),
    ):
        pull(settings, waits=Clock().waits)


def test_the_state_holds_no_personal_data_and_files_are_private(
    platform: Platform, settings: Settings
) -> None:
    platform.processes["order"] = [
        process(1, data={"number": PERSONAL}),
        {"id": PERSONAL, "x": 1},
        process(2),
    ]
    pull(settings, waits=Clock().waits)
    assert pull(settings, waits=Clock().waits).versions == 0
    for path in settings.pull.iterdir():
        assert PERSONAL.encode() not in path.read_bytes()
    assert settings.pull.stat().st_mode & 0o777 == 0o700
    (file,) = (settings.landing / "pull").glob("*.gz")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_damaged_state_is_an_error_that_says_what_to_do(settings: Settings) -> None:
    settings.pull.mkdir(parents=True)
    (settings.pull / "state.sqlite").write_bytes(b"x" * 5_000)
    with pytest.raises(OperationError, match=r"state.sqlite: is damaged. Remove it: the next pull"):
        pull(settings, waits=Clock().waits)
    (settings.pull / "state.sqlite").unlink()
    con = sqlite3.connect(settings.pull / "state.sqlite")
    con.execute("pragma user_version = 99")
    con.close()
    with pytest.raises(OperationError, match="is of another release"):
        pull(settings, waits=Clock().waits)


def test_names_come_from_users_and_configuration(platform: Platform, settings: Settings) -> None:
    a, b = process(1)["id"], process(2)["id"]
    platform.users = [
        {"id": a, "firstName": "Ann", "lastName": "Lee", "username": "ann@x.example"},
        {"id": b, "name": "Bob"},
        {"id": process(3)["id"], "username": "cy"},
    ]
    platform.config |= {
        "pods": [{"id": a, "shortId": "north"}],
        "team": {"id": b, "name": "Sales"},
        "entities": {"x": {"id": a, "name": "Contact"}},
        "secret": "kept as it is",
    }
    clock = Clock()
    report = pull(settings, waits=clock.waits)
    assert report.dimensions == {"pods": 1, "teams": 1, "entities": 1, "users": 3}
    lines = [json.loads(line) for line in landed_lines(settings, "users")]
    assert [line["name"] for line in lines] == ["Ann Lee", "Bob", "cy"]
    assert lines[0]["username"] == "ann@x.example"
    assert [json.loads(x)["name"] for x in landed_lines(settings, "pods")] == ["north"]
    assert [json.loads(x)["name"] for x in landed_lines(settings, "teams")] == ["Sales"]
    assert [json.loads(x)["name"] for x in landed_lines(settings, "entities")] == ["Contact"]
    (kept,) = settings.pull.glob("config-*.json.gz")
    assert json.loads(gzip.decompress(kept.read_bytes()))["_data"] == platform.config
    # Unchanged, in another order: nothing; changed: the whole list.
    platform.users.reverse()
    clock.sleep(60)
    assert set(pull(settings, waits=clock.waits).dimensions.values()) == {0}
    platform.users[0]["username"] = "cyd"
    clock.sleep(60)
    assert pull(settings, waits=clock.waits).dimensions["users"] == 3
    assert len([*settings.pull.glob("config-*")]) == 1


def test_a_report_says_nothing_of_anybody(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [process(1, data={"number": PERSONAL})]
    report: PullReport = pull(settings, waits=Clock().waits)
    assert PERSONAL not in repr(report)
    assert TOKEN not in repr(report)
    assert Path(report.procedures[0].files[0]).parent.name == "pull"
