"""What dimensions give the published tables: names for ids, and typed values of records."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.defs.lineage import find_lineage
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from schemas.catalogue.tables import TABLES
from schemas.compiled.masking import masked
from schemas.compiled.wide_table import wide_table
from schemas.errors import DefinitionError
from schemas.load import load_procedures
from schemas.records.all_rules import all_rules
from tests.support.in_clear import connect_in_clear

START = 1_760_000_000_000
JOB, TEAM, OTHER = (f"20000000-0000-4000-8000-{number:012}" for number in (1, 2, 3))
ANN, BOB, EAST, ACME, FLAT, HOUSE = (f"0000000{n}-0000-4000-8000-00000000000{n}" for n in range(6))
SIZE, BUILT, KIND, PHONE, TAGS, SPOT = (f"30000000-0000-4000-8000-00000000000{n}" for n in range(6))
DEFINITION = f"""
id: {JOB}
shortId: job
entity: {ACME}
attributes:
  - {{id: 40000000-0000-4000-8000-000000000000, shortId: size, type: string}}
derivedAttributes:
  - id: 40000000-0000-4000-8000-000000000001
    shortId: doubled
    type: integer
    formula: record.size * 2
recordAttributes:
  - {{id: {SIZE}, shortId: size, type: integer}}
  - {{id: {BUILT}, shortId: built-on, name: Built on, type: date}}
  - {{id: {KIND}, shortId: kind, type: stringEnum, options: [flat, house]}}
  - {{id: {PHONE}, shortId: phone, type: phone}}
  - {{id: {TAGS}, shortId: id, type: multiIntegerEnum, options: [1, 2]}}
  - {{id: {SPOT}, shortId: spot, type: geolocation}}
states:
  - {{id: 40000000-0000-4000-8000-000000000002, shortId: NEW, kind: queue}}
startState: NEW
completedState: NEW
"""


class Place:
    """A landing folder, a procedure and the database published from them."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
        )
        self.settings.landing.mkdir()
        self.settings.procedures.mkdir()
        (self.settings.procedures / "job.yaml").write_text(DEFINITION)

    def put(self, name: str, *objects: dict[str, Any]) -> None:
        lines = "".join(f"{json.dumps(each)}\n" for each in objects)
        path = self.settings.landing / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines)

    def run(self, request: Request = Request()) -> str:  # noqa: B008
        """A whole run; how the history was refreshed."""
        with open_run(self.settings, request, purpose="a test") as run:
            run.ingest()
            modes = [
                run.builder.refresh_history(name).mode for name in run.builder.names("history")
            ]
            for layer in ("core", "mart"):
                for name in run.builder.names(layer):
                    run.builder.build(layer, name)
            self.published = run.publish().path
        return max(modes)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the published tables, with personal values in clear."""
        with connect_in_clear(self.published) as con:
            return con.execute(query).fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def job(number: int, **changes: object) -> dict[str, Any]:
    record = {
        "id": f"10000000-0000-4000-8000-{number:012}",
        "team": TEAM,
        "procedure": JOB,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START,
        "updatedAt": START,
    }
    return record | changes


NAMES = "assigned_to_name, created_by_name, pod_name, team_name, entity_name, record_name"


def test_the_tables_are_there_and_empty_without_files(place: Place) -> None:
    place.put("jobs.ndjson", job(1))
    place.run()
    for name in ("users", "pods", "teams", "entities", "records"):
        assert place.rows(f'select count(*) from "{name}"') == [(0,)]
    assert place.rows(f"select {NAMES} from job_processes") == [
        (None, None, None, TEAM, None, None)
    ]
    assert place.rows("select record_size from job_processes") == [(None,)]


def test_ids_are_named_as_the_latest_line_says(place: Place) -> None:
    ids = {"assignedTo": ANN, "createdBy": BOB, "belongsTo": EAST, "entity": ACME, "record": FLAT}
    place.put("jobs.ndjson", job(1, **ids), job(2, assignedTo=OTHER, createdBy=ANN.upper()))
    place.put("users.ndjson", {"id": ANN, "name": "Ann"}, {"id": BOB, "name": "Rob"})
    place.put("pods.ndjson", {"id": EAST, "name": "West"}, {"id": EAST.upper(), "name": "East"})
    place.put("teams.ndjson", {"id": TEAM})
    place.put("entities.ndjson", {"id": ACME, "name": "Acme"}, {"id": ANN, "name": "no user"})
    place.put("records.ndjson", {"id": FLAT, "name": "Flat 7"})
    place.run()
    place.put("users.ndjson", {"id": BOB, "name": "Bob", "since": 2020})
    assert place.run() == "current"
    assert place.rows(f"select {NAMES} from job_processes order by process_id") == [
        ("Ann", "Bob", "East", TEAM, "Acme", "Flat 7"),
        (OTHER, "Ann", None, TEAM, None, None),
    ]
    users = "select user_id::varchar, name, data->>'since' from users order by user_id"
    assert place.rows(users) == [(ANN, "Ann", None), (BOB, "Bob", "2020")]
    assert place.rows("select team_id::varchar, name from teams") == [(TEAM, None)]
    contents = "select content, accepted from ingest_files order by file_seq"
    assert sorted(place.rows(contents)) == [
        ("entities", 2),
        ("pods", 2),
        ("processes", 2),
        ("records", 1),
        ("teams", 1),
        ("users", 1),
        ("users", 2),
    ]


@pytest.mark.nightly
def test_the_latest_name_counts_at_any_instant(place: Place, tmp_path: Path) -> None:
    place.put("jobs.ndjson", job(1, assignedTo=ANN))
    place.put("later.ndjson", job(1, assignedTo=BOB, updatedAt=START + 10_000_000))
    place.put("users.ndjson", {"id": ANN, "name": "Ann"})
    place.run()
    assert place.rows("select assigned_to_name from job_processes") == [(BOB,)]
    early = datetime.fromtimestamp(START / 1000 + 10, tz=UTC)
    keys = dict(place.rows("select value, key from people.keys"))
    place.run(Request(as_of=early, out=tmp_path / "early.duckdb"))
    with duckdb.connect(place.published, read_only=True) as con:
        query = "select assigned_to_name_key from job_processes"
        assert con.execute(query).fetchall() == [(keys["Ann"],)]


@pytest.mark.nightly
def test_the_order_of_files_decides_and_runs_do_not(tmp_path: Path) -> None:
    request = Request(as_of=datetime(2026, 1, 1, tzinfo=UTC))
    parts: list[tuple[str, dict[str, Any]]] = [
        ("a/users.ndjson", {"id": ANN, "name": "Anna"}),
        ("jobs.ndjson", job(1, assignedTo=ANN, record=FLAT)),
        ("z/users.ndjson", {"id": ANN, "name": "Ann"}),
    ]
    places: list[Place] = []
    for name in ("at once", "one by one"):
        (tmp_path / name).mkdir()
        place = Place(tmp_path / name)
        for file, line in parts:
            place.put(file, line)
            if name == "one by one":
                place.run(request)
        place.run(request)
        places.append(place)
    at_once, one_by_one = places
    assert at_once.rows("select name from users") == [("Ann",)]
    for query in ("from users", "from job_processes"):
        assert at_once.rows(query) == one_by_one.rows(query)


RECORD_COLUMNS = "record_size, record_built_on, record_kind, record_phone, attr_record_id"


def test_values_of_records_are_typed(place: Place) -> None:
    place.put("jobs.ndjson", job(1, record=FLAT, data={"size": "L"}), job(2, record=HOUSE), job(3))
    place.put(
        "records.ndjson",
        {"id": FLAT, "size": "7", "built-on": "2001-02-03", KIND: "flat", "phone": "+20 100 200"}
        | {"spot": [30.05, 31.25]},
        # What stands under `data` goes first, whichever of its names a value has there.
        {
            "id": HOUSE,
            SIZE: 1,
            "kind": "flat",
            "built-on": "2000-01-01",
            "data": {"size": 9, "kind": "house", "built-on": None, "id": [2, 1], "more": {}},
        },
    )
    place.run()
    query = f"select size, {RECORD_COLUMNS} from job_processes order by process_id"
    day, first = datetime(2001, 2, 3).date(), datetime(2000, 1, 1).date()
    flat, house, none = place.rows(query)
    # `id` is the record's own id as well, which is no list.
    assert flat == ("L", 7, day, "flat", "+20 100 200", None)
    assert house == (None, 9, first, "house", None, [2, 1])
    assert none == (None,) * 6
    doubled = "select doubled from job_processes order by process_id"
    assert place.rows(doubled) == [(14,), (18,), (None,)]
    spots = "select record_spot_lat, record_spot_lng from job_processes order by process_id limit 2"
    assert place.rows(spots) == [(30.05, 31.25), (None, None)]


def test_decimals_of_records_keep_their_digits(place: Place) -> None:
    price = "  - {id: 30000000-0000-4000-8000-000000000009, shortId: price, type: decimal}\n"
    definition = DEFINITION.replace("recordAttributes:\n", f"recordAttributes:\n{price}")
    (place.settings.procedures / "job.yaml").write_text(definition)
    place.put("jobs.ndjson", job(1, record=FLAT), job(2, record=HOUSE), job(3, record=EAST))
    lines = (
        f'{{"id": "{FLAT}", "price": 1234567890123456.78}}',
        f'{{"id": "{HOUSE}", "data": {{"price": 1234567890123456.79}}}}',
        f'{{"id": "{EAST}", "price": 1, "data": {{"price": "12345678901234567.01", "n": [0.1]}}}}',
    )
    (place.settings.landing / "records.ndjson").write_text("\n".join(lines))
    place.run()
    prices = "select record_price::varchar from job_processes order by process_id"
    assert [price for (price,) in place.rows(prices)] == [
        "1234567890123456.780000000",
        "1234567890123456.790000000",
        "12345678901234567.010000000",
    ]


def test_bad_values_of_records_are_null_and_flagged_at_their_processes(place: Place) -> None:
    place.put(
        "jobs.ndjson",
        job(1, record=FLAT),
        job(2, record=FLAT),
        job(3, record=FLAT, isDeleted=True),
        job(4, record=HOUSE),
    )
    bad = {"size": "big", "kind": "tent", "phone": "no phone", "id": [1, 3], "built-on": ""}
    place.put("records.ndjson", {"id": FLAT, "data": bad}, {"id": HOUSE, "data": {"id": [1]}})
    place.run()
    query = f"select {RECORD_COLUMNS} from job_processes order by process_id limit 1"
    assert place.rows(query) == [(None,) * 5]
    query = """
        select rule, severity, column_name, value, line, count(*) over (partition by rule)
        from violations
        where right(process_id::varchar, 1) in ('1', '4') and rule like 'record:%'
        order by all
    """
    assert place.rows(query) == [
        ("record:id:type", "flag", "record.id", "[1,3]", 1, 1),
        ("record:kind:type", "flag", "record.kind", '"tent"', 1, 1),
        ("record:phone:type", "flag", "record.phone", "***", 1, 1),
        ("record:size:type", "flag", "record.size", '"big"', 1, 1),
    ]
    of_records = "select count(*) from violations where rule like 'record:%'"
    assert place.rows(of_records) == [(8,)]
    quality = "select n_versions, sentence from data_quality where rule = 'record:size:type'"
    sentence = "`record.size` converts to integer, and is among its options."
    assert place.rows(quality) == [(2, sentence)]


def test_the_wide_table_is_as_the_catalogue_says(place: Place) -> None:
    place.run()
    (procedure,) = load_procedures(place.settings.procedures)
    with duckdb.connect(place.published, read_only=True) as con:
        query = "select column_name, column_type from (describe job_processes)"
        described = con.execute(query).fetchall()
    published = masked(wide_table(procedure)).published
    assert described == [(c.name, c.type) for c in published.columns]
    size = next(c for c in wide_table(procedure).columns if c.name == "record_size")
    assert size.description == (
        "Attribute size of the record behind the process (`size`, type integer), from the latest "
        "`records` file, whatever the as_of."
    )
    rules = all_rules(load_procedures(place.settings.procedures))
    assert {"record:size:type", "record:built-on:type"} <= {rule.id for rule, of in rules if of}
    assert "at any as_of" in TABLES["users"].description


@pytest.mark.parametrize(
    ("old", "new", "key", "found"),
    [
        (
            "shortId: size, type: string",
            "shortId: record_size, type: string",
            "recordAttributes[size].shortId",
            "'size', whose column record_size is that of attributes[record_size]",
        ),
        (
            "shortId: kind, type",
            "shortId: SIZE, type",
            "recordAttributes[SIZE].shortId",
            "'SIZE', already the shortId of recordAttributes[size] (case is ignored)",
        ),
        (
            "type: stringEnum, options: [flat, house]",
            "type: stringEnum",
            "recordAttributes[kind].options",
            "no options",
        ),
        (
            "type: phone}",
            "type: phone, required: true}",
            "recordAttributes[phone].required",
            "an unknown key",
        ),
    ],
)
def test_record_attributes_are_checked(
    place: Place, old: str, new: str, key: str, found: str
) -> None:
    (place.settings.procedures / "job.yaml").write_text(DEFINITION.replace(old, new))
    with pytest.raises(DefinitionError) as error:
        load_procedures(place.settings.procedures)
    (problem,) = error.value.problems
    assert (problem.key, problem.found) == (key, found)


def test_lineage_leads_to_the_rows_of_dimensions(place: Place) -> None:
    reads = find_lineage(load_procedures(place.settings.procedures)).reads
    rows = dg.AssetKey(["raw", "dimension_rows"])
    assert reads[dg.AssetKey(["core", "users"])] == {rows}
    wide = reads[dg.AssetKey(["core", "job_processes"])]
    assert {dg.AssetKey(["core", name]) for name in ("users", "pods", "records")} <= wide
    assert dg.AssetKey(["core", "records"]) in reads[dg.AssetKey(["core", "violations"])]
