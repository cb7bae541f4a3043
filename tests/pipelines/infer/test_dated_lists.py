"""Folders of dated lists, times without a zone, and several kinds of process in one file."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.infer.dated_lists import read_lists
from pipelines.infer.definitions import infer_definitions, write_definitions
from pipelines.infer.from_foreign import Inferred
from schemas.errors import OperationError, SourceError
from schemas.load import load_procedures
from tests.support.command_line import leadtime
from tests.support.source_zone import EXAMPLES, SourceZone

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HEADER = "deal,stage,owner,opened"
LISTS = {
    "2026-01-01": ["A,New,ann,2026-01-01 09:00"],
    "2026-01-02": ["A,New,ann,2026-01-01 09:00", "B,New,bob,2026-01-02 08:00"],
    "2026-01-03": ["A,Won,ann,2026-01-01 09:00", "B,Trial,bob,2026-01-02 08:00"],
    "2026-01-04": ["A,Won,ann,2026-01-01 09:00", "B,Won,bob,2026-01-02 08:00"],
}


def lists(folder: Path, rows: dict[str, list[str]] = LISTS, name: str = "{}.csv") -> Path:
    folder.mkdir(exist_ok=True)
    for date, lines in rows.items():
        (folder / name.format(date)).write_text("\n".join([HEADER, *lines, ""]))
    return folder


def inferred(path: Path, time_zone: str | None = None) -> Inferred:
    return infer_definitions(path, now=NOW, time_zone=time_zone)


def test_a_folder_of_dated_lists_becomes_snapshots(tmp_path: Path) -> None:
    landing = lists(tmp_path / "deals")
    result = inferred(landing)
    source = result.source
    assert source
    assert (source.name, source.shape, source.files) == ("deals", "snapshots", ("*.csv",))
    assert dict(source.fields) == {
        "id": "deal", "state": "stage", "createdAt": "opened", "assignedTo": "owner",
    }  # fmt: skip
    assert result.proposal.funnel == ("New", "Won")
    write_definitions(result, tmp_path / "defs")
    zone = SourceZone(landing, load_procedures(tmp_path / "defs"))
    zone.take_in()
    # A came with the first list, changed with the third; B was there from the second.
    assert zone.states() == [
        ("A", "New", "OPEN", 0.0),
        ("A", "Won", "COMPLETED", 48.0),
        ("B", "New", "OPEN", 24.0),
        ("B", "Trial", "OPEN", 48.0),
        ("B", "Won", "COMPLETED", 72.0),
    ]


def test_the_shipped_lists_are_found(tmp_path: Path) -> None:
    landing = shutil.copytree(EXAMPLES / "snapshots" / "landing", tmp_path / "landing")
    (shipped,) = load_procedures(EXAMPLES / "snapshots").file_sources
    source = inferred(landing).source
    assert source
    assert (source.name, source.shape, source.files) == (
        shipped.name,
        shipped.shape,
        shipped.files,
    )
    assert dict(source.fields) == dict(shipped.fields)


def test_files_that_are_no_full_lists_are_named_one_by_one(tmp_path: Path) -> None:
    only_new = {f"2026-01-0{day}": [f"{day},New,ann,2026-01-01 09:00"] for day in range(1, 5)}
    twice = LISTS | {"2026-01-02": LISTS["2026-01-02"][:1] * 2}
    one = {"2026-01-01": LISTS["2026-01-01"]}
    for number, rows in enumerate((only_new, twice, one)):
        folder = lists(tmp_path / f"lists{number}", rows)
        assert read_lists(folder) is None
        with pytest.raises(OperationError, match=r"Name one of them: 2026-01-01\.csv"):
            inferred(folder)
    mixed = lists(tmp_path / "mixed")
    (mixed / "other.csv").write_text("a,b\n1,2\n")
    assert read_lists(mixed) is None
    other = lists(tmp_path / "columns")
    (other / "2026-01-04.csv").write_text("deal,phase\nA,Won\n")
    assert read_lists(other) is None


def test_documents_are_lists_too(tmp_path: Path) -> None:
    names = HEADER.split(",")
    for date, lines in LISTS.items():
        rows = [dict(zip(names, line.split(","), strict=True)) for line in lines]
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (tmp_path / f"deals-{date}.ndjson").write_text(text)
    source = inferred(tmp_path).source
    assert source
    assert (source.name, source.shape, source.files) == ("deals", "snapshots", ("deals-*.ndjson",))


def test_times_without_a_zone_are_named_and_a_zone_is_written(tmp_path: Path) -> None:
    file = tmp_path / "deals.csv"
    rows = ["id,stage,created,updated,phoned"]
    rows += [
        f"{n},{'Won' if n % 2 else 'New'},2026-01-0{n} 09:00,2026-01-0{n}T10:00:00Z,0{n}.02.2026"
        for n in range(1, 9)
    ]
    file.write_text("\n".join(rows))
    result = inferred(file)
    assert result.source
    assert (result.source.timezone, result.without_zone) == ("UTC", ("created", "phoned"))
    given = inferred(file, "Asia/Tokyo")
    assert given.source
    assert (given.source.timezone, given.without_zone) == ("Asia/Tokyo", ())
    write_definitions(given, tmp_path / "defs")
    definitions = load_procedures(tmp_path / "defs")
    assert [procedure.timezone for procedure in definitions] == ["Asia/Tokyo"]
    text = (tmp_path / "defs" / "sources" / "deals.yaml").read_text()
    assert 'timezone: "Asia/Tokyo"  # as given; of times without an offset\n' in text


def test_offsets_need_no_zone(tmp_path: Path) -> None:
    file = tmp_path / "deals.csv"
    rows = [f"{n},New,2026-01-0{n}T09:00+02:00,1767225{n}00000" for n in range(1, 9)]
    file.write_text("\n".join(["id,stage,created,updated", *rows]))
    assert inferred(file).without_zone == ()


def test_the_command_says_what_has_no_zone(tmp_path: Path) -> None:
    landing = lists(tmp_path / "deals")
    done = leadtime("check", "--infer", landing, "--to", tmp_path / "defs")
    assert "Times without a time zone: the names of the files, opened. They are read as UTC." in (
        done.out
    )
    assert "`--timezone Europe/Berlin`" in done.out
    wrong = leadtime("check", "--infer", landing, "--to", tmp_path / "x", "--timezone", "Berlin")
    assert (wrong.code, (tmp_path / "x").exists()) == (1, False)
    assert "--timezone: found 'Berlin'. Give an IANA time zone" in wrong.err
    given = leadtime("check", "--infer", landing, "--to", tmp_path / "y", "--timezone", "UTC")
    assert "without a time zone" not in given.out


def objects(path: Path, kinds: dict[str, list[str]]) -> Path:
    rows = [
        f"{kind}{n},{kind},{state},2026-01-0{n % 9 + 1},2026-02-0{n % 9 + 1}"
        for kind, states in kinds.items()
        for n, state in enumerate(states * 4)
    ]
    path.write_text("\n".join(["id,object,status,created,updated", *rows, ""]))
    return path


def test_several_procedures_in_a_file_are_said_with_how_to_split_it(tmp_path: Path) -> None:
    file = objects(
        tmp_path / "crm.csv", {"deal": ["Lead", "Won", "Lost"], "case": ["Open", "Solved"]}
    )
    with pytest.raises(SourceError) as raised:
        inferred(file)
    message = str(raised.value)
    assert "its column `object` names several procedures, with states of their own" in message
    assert "deal (12 rows), case (8 rows)" in message
    assert "copy (from 'crm.csv' where object = 'deal') to 'deal.csv'" in message


def test_types_of_one_process_share_its_states(tmp_path: Path) -> None:
    states = ["Open", "Pending", "Solved"]
    one = inferred(objects(tmp_path / "cases.csv", {"bug": states, "wish": [*states, "Planned"]}))
    assert {state.short_id for state in one.proposal.states} == {*states, "Planned"}
    few = inferred(objects(tmp_path / "few.csv", {"bug": ["Open", "Done"], "note": ["Filed"]}))
    assert len(few.proposal.states) == 3
