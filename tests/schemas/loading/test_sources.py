"""Problems of sources: where, what was found, what is allowed."""

import re
from pathlib import Path

import pytest

from schemas.errors import DefinitionError, OperationError
from schemas.load import load_procedures
from tests.support.order_definition import order

DEALS = """\
name: deals
shape: wide_dates
files: crm/deals*.csv
procedure: order
fields: {id: Deal}
attributes: {score: Score}
stages: {NEW: Entered new, DONE: Entered done}
"""
LOG = """\
name: log
shape: event_log
files: log.csv
procedure: order
fields: {id: Case}
log: {at: Changed, field: Field, new: To, fields: {state: Status}}
"""
CLOSED = "  - {id: 00000000-0000-4000-8000-000000000024, shortId: LOST, kind: done}\n"


def problems(
    folder: Path, text: str, procedure: str = order()
) -> list[tuple[int | None, str, str, str]]:
    (folder / "order.yaml").write_text(procedure)
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / "a.yaml").write_text(text)
    try:
        load_procedures(folder)
    except DefinitionError as error:
        return [(p.line, p.key, p.found, p.allowed) for p in error.problems]
    return []


def test_good_sources_are_loaded_by_name(tmp_path: Path) -> None:
    assert problems(tmp_path, DEALS) == []
    (tmp_path / "sources" / "b.yaml").write_text(LOG.replace("name: log", "name: a_log"))
    loaded = load_procedures(tmp_path)
    assert [source.name for source in loaded.file_sources] == ["a_log", "deals"]
    assert loaded.file_sources[1].matches("crm/deals_2026.csv")
    assert not loaded.file_sources[1].matches("deals_2026.csv")


@pytest.mark.parametrize(
    ("old", "new", "key", "found", "allowed"),
    [
        ("procedure: order", "procedure: ordr", "procedure",
         "'ordr', which is not the shortId of a procedure", "did you mean `order`?"),
        ("shape: wide_dates", "shape: wide", "shape", "'wide'",
         "one of records, envelope, event_log, changelog, wide_dates, stage_rows, snapshots"),
        ("id: Deal", "id: Deal, asignedTo: Owner", "fields.asignedTo", "an unknown field",
         "did you mean `assignedTo` or `firstAssignedTo` or `lastAssignedAt`?"),
        ("fields: {id: Deal}\n", "fields: {team: Team}\n", "fields.id", "nothing",
         "the column or path that has it"),
        ("score: Score", "scor: Score", "attributes.scor", "not an attribute of order",
         "did you mean `score`? (number, score)"),
        ("DONE: Entered", "DONNE: Entered", "stages.DONNE",
         "'DONNE', which is not a state of order", "did you mean `DONE`? (NEW, ACTIVE, DONE)"),
        ("deals*.csv", "deals*.xls", "files", "'crm/deals*.xls'",
         "a pattern that ends in one of .csv, .tsv, .xlsx, .json, .ndjson, .jsonl, .parquet, in / or in *"),
        ("crm/deals", "../deals", "files", "'../deals*.csv'",
         "a pattern of names in the landing folder, such as crm/deals*.csv"),
        ("name: deals", "name: my deals", "name", "'my deals'",
         "letters, digits, _ and -, starting with a letter"),
        ("stages:", "dates: ['%d.%m']\nstages:", "dates[0]", "'%d.%m'",
         "iso, milliseconds, seconds, or a format with day, month and year such as '%d.%m.%Y %H:%M'"),
        ("stages:", "items: data\nstages:", "items", "`items` with the shape wide_dates",
         "only with the shape envelope"),
        ("stages:", "outcomes: {DONE: WON}\nstages:", "outcomes.DONE", "'WON'",
         "one of OPEN, COMPLETED, CANCELLED"),
        ("stages:", "statuses: {x: OPEN}\nstages:", "statuses",
         "statuses without a column for the status", "the key status in fields, or outcomes by state"),
        ("stages:", "states: 5\nstages:", "states", "5", "a mapping of values to states"),
        ("stages:", "timezone: Berlin\nstages:", "timezone", "'Berlin'",
         "an IANA time zone such as Europe/Berlin or UTC"),
    ],
)  # fmt: skip
def test_a_problem_of_a_source(
    tmp_path: Path, old: str, new: str, key: str, found: str, allowed: str
) -> None:
    assert DEALS.count(old) == 1, old
    text = DEALS.replace(old, new)
    part = re.match("[a-zA-Z]+", key)
    assert part
    rows = enumerate(text.splitlines(), 1)
    line = next(number for number, row in rows if row.startswith(f"{part[0]}:"))
    assert problems(tmp_path, text) == [(line, key, found, allowed)]


@pytest.mark.parametrize(
    ("old", "new", "key", "found", "allowed"),
    [
        (", fields: {state: Status}", "", "log.fields", "nothing", "the name of the field in the log"),
        ("state: Status", "state: Status, id: Id", "log.fields.id", "id, which does not change",
         "another field of the record"),
        ("new: To", "histories: h, new: To", "log.histories", "`histories` with the shape event_log",
         "only with the shape changelog"),
        ("new: To, ", "", "log.new", "nothing", "the column or key with the value after the change"),
        ("at: Changed", "att: Changed", "log.att", "an unknown key", "did you mean `at`? (at, field, old, new, histories, items, fields, attributes)"),
    ],
)  # fmt: skip
def test_a_problem_of_a_log(
    tmp_path: Path, old: str, new: str, key: str, found: str, allowed: str
) -> None:
    assert LOG.count(old) == 1, old
    ((line, *problem),) = problems(tmp_path, LOG.replace(old, new))
    assert problem == [key, found, allowed]
    assert line == 6


def test_a_state_of_kind_done_needs_an_outcome(tmp_path: Path) -> None:
    states = order(
        ("stategraph:\n  NEW: [ACTIVE]\n  ACTIVE: [DONE]\n", ""),
        ("startState: NEW", f"{CLOSED}startState: NEW"),
    )
    ((_, key, found, allowed),) = problems(tmp_path, DEALS, states)
    assert (key, found) == ("outcomes", "nothing for LOST, a state of kind done")
    assert allowed == "one of OPEN, COMPLETED, CANCELLED"
    assert problems(tmp_path, f"{DEALS}outcomes: {{LOST: CANCELLED}}\n", states) == []


def test_names_are_used_once(tmp_path: Path) -> None:
    problems(tmp_path, DEALS)
    (tmp_path / "sources" / "b.yaml").write_text(DEALS)
    with pytest.raises(DefinitionError, match="already the name of the source in"):
        load_procedures(tmp_path)


def test_a_folder_that_was_named_must_exist(tmp_path: Path) -> None:
    (tmp_path / "order.yaml").write_text(order())
    assert load_procedures(tmp_path).file_sources == ()
    with pytest.raises(OperationError, match="no such folder"):
        load_procedures(tmp_path, tmp_path / "elsewhere")
