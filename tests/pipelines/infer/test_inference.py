"""What is proposed from landing files: the text, names, states and moves, and that a run takes it.

The types of values are tested in test_infer_types.py.
"""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.ingest.files import ingest
from pipelines.ingest.landing import find_files
from pipelines.settings import PROCEDURES_FOLDER
from pipelines.simulator import simulate
from pipelines.warehouse.open import RAW_TABLES
from schemas.definitions.procedure import Procedure, Procedures
from schemas.docs.json_schema import SCHEMA_FILE
from schemas.errors import OperationError, SourceError
from schemas.load import load_procedures
from tests.support.infer_files import (
    NOW,
    OTHER,
    PROCEDURE,
    by_short_id,
    inferred,
    loaded,
    notes,
    path_of,
    proposed,
    record,
    write,
)
from transforms.macros.load import MACROS

INCIDENTS = Path(__file__).parents[4] / "shared" / "data" / "incidents"
SCORE = "8168f355-2ee3-5b06-ae9b-16a2451138c3"
END = datetime(2026, 3, 1, tzinfo=UTC)


def made_up(section: str, key: str) -> UUID:
    return uuid5(UUID(PROCEDURE), f"{section}:{key}")


def test_the_whole_text_of_a_small_proposal(tmp_path: Path) -> None:
    versions = [
        *path_of(1, "NEW", "ACTIVE", "DONE", end="COMPLETED"),
        *path_of(2, "NEW", "ACTIVE"),
        record(3, data={"score": 7, SCORE: True}, derivedData={"ratio": 0.25}, entity=OTHER),
        "",
        "not json",
    ]
    assert (
        proposed(write(tmp_path / "a.ndjson", versions))
        == f"""\
# yaml-language-server: $schema={SCHEMA_FILE.resolve().as_uri()}
# Proposed from data; check and correct it: names, types and kinds are guesses.
# 8 lines: 6 versions, 1 unusable (see `leadtime quarantine` after a run), 1 blank.
# 3 processes, 2025-10-09 to 2025-10-09.
# The data refers to some parts by id and to others by shortId. If a part is listed
# here twice, give the entry with the shortId the other's id, and delete the other.
id: {PROCEDURE}
shortId: procedure_8ab071db  # tables are named after it: rename it
entity: {OTHER}
timezone: UTC  # not in the data; used for times without an offset
attributes:
  - {{id: {made_up("attribute", "score")}, shortId: score, type: integer}}  # in 1 of 6 versions; all values convert
  - {{id: {SCORE}, shortId: attribute_8168f355, type: boolean}}  # in 1 of 6 versions; all values convert
derivedAttributes:
  - {{id: {made_up("derived", "ratio")}, shortId: ratio, type: decimal}}  # in 1 of 6 versions; all values convert
states:  # in the order in which processes usually enter them
  - {{id: {made_up("state", "NEW")}, shortId: NEW, kind: queue}}  # in 3 processes; latest in 1, 0 of them closed
  - {{id: {made_up("state", "ACTIVE")}, shortId: ACTIVE, kind: work}}  # in 2 processes; latest in 1, 0 of them closed
  - {{id: {made_up("state", "DONE")}, shortId: DONE, kind: done}}  # in 1 process; latest in 1, 1 of them closed
startState: NEW  # where 3 of 3 processes begin
completedState: DONE  # where 1 of 1 completed processes are
stategraph:  # every observed move with its count; delete those that should be flagged
  NEW: [ACTIVE]  # 2
  ACTIVE: [DONE]  # 1
  DONE: []
funnels:  # the states that most of 1 completed process were in; check it
  - {{name: usual_path, steps: [NEW, ACTIVE, DONE]}}
"""
    )


@pytest.mark.parametrize("kind", ["ndjson.gz", "json", "page", "parquet", "folder"])
def test_every_landing_format_gives_the_same_proposal(tmp_path: Path, kind: str) -> None:
    records = [record(n, data={"score": n}) for n in range(5)]
    expected = proposed(write(tmp_path / "a.ndjson", records))
    path = tmp_path / "b"
    path.mkdir()
    if kind == "folder":
        write(path / "1.ndjson", records[:2])
        write(path / "2.ndjson", records[2:])
        write(path / "users.ndjson", [{"id": OTHER, "name": "Ada"}])
    elif kind == "parquet":
        frame = pl.DataFrame(records).with_columns(data=pl.Series(["{}"] * 5))
        frame = frame.with_columns(data=pl.Series([json.dumps(r["data"]) for r in records]))
        path = path / "a.parquet"
        frame.drop("derivedData").write_parquet(path)
    elif kind == "ndjson.gz":
        path = path / "a.ndjson.gz"
        path.write_bytes(gzip.compress((tmp_path / "a.ndjson").read_bytes()))
    else:
        path = path / "a.json"
        path.write_text(json.dumps({"_data": records} if kind == "page" else records))
    assert proposed(path) == expected


def test_several_procedures_are_listed_and_one_can_be_chosen(tmp_path: Path) -> None:
    records = [record(1), record(2), record(3, procedure=OTHER, state="OPEN")]
    path = write(tmp_path / "a.ndjson", records)
    with pytest.raises(OperationError, match="several procedures") as raised:
        proposed(path)
    lines = str(raised.value).splitlines()
    assert lines[1:] == [
        f"  {PROCEDURE}: 2 lines, 2 processes",
        f"  {OTHER}: 1 line, 1 process",
    ]
    assert "--procedure ID" in lines[0]
    chosen = loaded(proposed(path, OTHER.upper()), tmp_path)
    assert chosen.id == OTHER
    assert [state.short_id for state in chosen.states] == ["OPEN"]
    with pytest.raises(OperationError, match="no line of procedure"):
        proposed(path, "11111111-1111-4111-8111-111111111111")


def test_nothing_to_go_by_says_what_to_do(tmp_path: Path) -> None:
    for name, records, error, found in (
        ("a.ndjson", ["", "{}"], SourceError, "none of its 2 lines is a usable record"),
        ("b.ndjson", [record(1, state=" NEW ")], SourceError, "no state has a name"),
        ("c.csv", ["a,b"], SourceError, "it has no rows below its header"),
        ("users.ndjson", [record(1)], OperationError, "it gives users their names, and holds no"),
    ):
        with pytest.raises(error, match=found):
            proposed(write(tmp_path / name, records))
    with pytest.raises(OperationError, match="no such file"):
        proposed(tmp_path / "missing.ndjson")
    broken = tmp_path / "d.ndjson.gz"
    broken.write_bytes(b"no gzip")
    with pytest.raises(SourceError, match="does not decompress"):
        proposed(broken)


# Names


def test_ids_are_kept_and_made_up_alike_every_time(tmp_path: Path) -> None:
    state = "eacef416-21fd-5f37-afbd-cdffbcb7d97b"
    first = inferred(tmp_path, [record(1, state=state.upper(), data={SCORE: 1, "plan": "a"})])
    second = inferred(tmp_path, [record(2, state=state, data={"plan": "b", "size": 1})])
    values = {a.short_id: a.id for a in first.attributes}
    assert values["attribute_8168f355"] == SCORE
    assert {a.short_id: a.id for a in second.attributes}["plan"] == values["plan"]
    assert [s.id for s in first.states] == [s.id for s in second.states] == [state]
    assert first.start_state == "state_eacef416"


def test_keys_that_clash_or_cannot_be_shortids_are_read_by_an_alias(tmp_path: Path) -> None:
    data = {"a-b": 1, "a_b": 2, "A_B": 3, " x": 4, "": 5, "status": 6, "c": 7, SCORE: 8}
    versions = [
        record(1, data=data, derivedData={"c": 1.5, SCORE: 2.5}),
        record(2, data={SCORE.upper(): 9}),
    ]
    procedure = loaded(proposed(write(tmp_path / "a.ndjson", versions)), tmp_path)
    assert [(a.short_id, a.aliases) for a in procedure.attributes] == [
        ("unnamed_e3b0c4", ("",)),
        ("x_830a81", (" x",)),
        ("A_B", ()),
        ("a-b", ()),
        ("a_b_648fa9", ("a_b",)),
        ("c", ()),
        ("status", ()),
        ("attribute_8168f355", ()),
    ]
    assert [(d.short_id, d.aliases) for d in procedure.derived_attributes] == [
        ("c_2e7d2c", ("c",)),
        ("derived_7eba73", (SCORE,)),
    ]


def test_keys_in_any_alphabet_are_kept(tmp_path: Path) -> None:
    keys = ["größe", "grösse", "日本", "中国", "имя", "€", "%", "order", "1st", "a.b"]
    versions = [record(n, data=dict.fromkeys(keys, n)) for n in range(3)]
    procedure = inferred(tmp_path, versions)
    assert {a.short_id for a in procedure.attributes} == set(keys)
    columns = {a.short_id: a.column for a in procedure.attributes}
    assert len(set(columns.values())) == len(keys)
    assert [columns[key] for key in ("größe", "日本", "имя", "order")] == [
        "größe", "日本", "имя", "order",
    ]  # fmt: skip


def test_states_whose_names_cannot_be_shortids_are_left_out_and_counted(tmp_path: Path) -> None:
    versions = [
        record(1),
        record(2, state="new"),
        record(2, 1, state=" NEW"),
        record(3),
    ]
    text = proposed(write(tmp_path / "a.ndjson", versions))
    assert [state.short_id for state in loaded(text, tmp_path).states] == ["NEW"]
    assert "# 1 version in states whose names cannot be shortIds: a run rejects them." in text


def test_a_value_known_by_id_here_and_by_shortid_there_is_one_attribute(tmp_path: Path) -> None:
    versions = [
        record(process, hours, data={SCORE if hours else "score": process * 3, "n": hours})
        for process in range(12)
        for hours in (0, 1)
    ]
    attributes = {a.short_id: a for a in inferred(tmp_path, versions).attributes}
    assert attributes["score"].id == SCORE
    assert attributes["score"].required
    assert attributes.keys() == {"score", "n"}


def test_keys_of_one_version_are_never_one_attribute(tmp_path: Path) -> None:
    versions = [record(n, data={SCORE: n, "score": n}) for n in range(12)]
    assert len(inferred(tmp_path, versions).attributes) == 2


def test_a_primary_key_is_a_code_that_no_two_processes_share(tmp_path: Path) -> None:
    versions = [
        record(n, hours, data={"number": f"T-{n}", "branch": f"B-{n % 3}"})
        for n in range(6)
        for hours in (0, 1)
    ]
    procedure = inferred(tmp_path, versions)
    assert procedure.primary_key == "number"
    assert by_short_id(procedure.attributes)["number"].type == "stringId"
    versions[0]["data"] = {"number": "T-1"}
    assert inferred(tmp_path, versions).primary_key is None


# States


def test_states_stand_in_the_order_in_which_processes_come_to_them(tmp_path: Path) -> None:
    versions = [
        *path_of(1, "OPEN", "CHECK", "PAY", "SENT", end="COMPLETED"),
        *path_of(2, "OPEN", "PAY", "CHECK", "PAY", "SENT", end="COMPLETED"),
        *path_of(3, "OPEN", "CHECK", "PAY", "CHECK"),
        *path_of(4, "OPEN", "LOST", end="CANCELLED"),
        *path_of(5, "OPEN", "AWAITING_CUSTOMER", "AWAITING_PARTS"),
        *path_of(6, "CHECK", "PAY", end="CANCELLED"),
    ]
    procedure = inferred(tmp_path, versions)
    kinds = {state.short_id: state.kind for state in procedure.states}
    assert list(kinds) == [
        "OPEN", "AWAITING_CUSTOMER", "CHECK", "PAY", "AWAITING_PARTS", "LOST", "SENT",
    ]  # fmt: skip
    assert kinds == {
        "OPEN": "queue",
        "AWAITING_CUSTOMER": "waiting_customer",
        "AWAITING_PARTS": "waiting_other",
        "CHECK": "work",
        "PAY": "work",
        "LOST": "done",
        "SENT": "done",
    }
    assert (procedure.start_state, procedure.completed_state) == ("OPEN", "SENT")


def test_the_graph_has_every_move_in_order_of_updated_at(tmp_path: Path) -> None:
    versions = [
        record(1, 3, state="C"),
        record(1, 0, state="A"),
        record(1, 1, state="B", isDeleted=True),
        record(1, 2, state="A"),
        record(1, 2, state="B"),
        *path_of(2, "A", "B"),
    ]
    text = proposed(write(tmp_path / "a.ndjson", versions))
    procedure = loaded(text, tmp_path)
    assert procedure.stategraph == {"A": ("B",), "B": ("C",), "C": ()}
    assert "  A: [B]  # 2\n  B: [C]  # 1\n  C: []\n" in text


def test_a_state_nobody_was_seen_to_move_to_can_be_reached_all_the_same(tmp_path: Path) -> None:
    versions = [*path_of(1, "A", "B"), *path_of(2, "A", "B"), *path_of(3, "C", "D")]
    for version in versions[4:]:
        version["createdAt"] -= 1
    text = proposed(write(tmp_path / "a.ndjson", versions))
    assert loaded(text, tmp_path).stategraph == {"A": ("C", "B"), "B": (), "C": ("D",), "D": ()}
    assert "A: [C, B]  # assumed, 2" in text


def test_a_state_that_is_a_mistake_in_the_data_is_not_proposed(tmp_path: Path) -> None:
    states = {name: made_up("state", name) for name in ("NEW", "DONE")}
    versions = [
        version
        for n in range(60)
        for version in path_of(n, str(states["NEW"]), str(states["DONE"]), end="COMPLETED")
    ]
    copy = versions[1] | {"state": "no such state"}
    placeholder = record(99, state=str(UUID(int=0xDEAD)))
    text = proposed(write(tmp_path / "a.ndjson", [*versions, copy, placeholder]))
    procedure = loaded(text, tmp_path)
    assert {state.id for state in procedure.states} == {str(id_) for id_ in states.values()}
    assert "# 122 lines: 120 versions.\n" in text
    assert "# 2 versions in states that look like mistakes in the data: a run rejects them." in text


def test_a_rare_state_is_proposed(tmp_path: Path) -> None:
    versions = [version for n in range(150) for version in path_of(n, "NEW", "DONE")]
    rare = record(7, 5, state="LEGAL")
    procedure = inferred(tmp_path, [*versions, rare])
    assert "LEGAL" in {state.short_id for state in procedure.states}


def test_without_any_move_there_is_no_graph(tmp_path: Path) -> None:
    procedure = inferred(tmp_path, [record(1), record(2, state="DONE", status="COMPLETED")])
    assert procedure.stategraph is None
    assert procedure.completed_state == "DONE"


def test_without_history_a_start_is_a_guess_among_states_that_are_not_over(tmp_path: Path) -> None:
    ends = {"Lost": "CANCELLED", "Won": "COMPLETED"}
    states = ["Lost"] * 9 + ["Won"] * 3 + ["Working"] * 5 + ["New"] * 2
    versions = [
        record(n, state=state, status=ends.get(state, "OPEN")) for n, state in enumerate(states)
    ]
    text = proposed(write(tmp_path / "a.ndjson", versions))
    procedure = loaded(text, tmp_path)
    kinds = {state.short_id: state.kind for state in procedure.states}
    assert kinds == {"New": "queue", "Working": "work", "Lost": "done", "Won": "done"}
    assert "startState: New  # a guess: no beginning was observed" in text
    assert procedure.completed_state == "Won"
    assert "# One version per process: no history. Times in states mean little until more" in text
    assert "states:  # sort them in the order" in text


def test_where_everything_is_over_the_start_is_a_guess_and_done(tmp_path: Path) -> None:
    versions = [record(n, state="Lost", status="CANCELLED") for n in range(3)]
    text = proposed(write(tmp_path / "a.ndjson", versions))
    assert [state.kind for state in loaded(text, tmp_path).states] == ["done"]
    assert "startState: Lost  # a guess: no state has open processes" in text


def test_a_start_in_which_some_are_given_up_is_a_queue_all_the_same(tmp_path: Path) -> None:
    versions = [
        *path_of(1, "NEW", "NEW", end="CANCELLED"),
        *path_of(2, "NEW", "NEW", end="CANCELLED"),
        *path_of(3, "NEW", "DONE", end="COMPLETED"),
    ]
    text = proposed(write(tmp_path / "a.ndjson", versions))
    assert {s.short_id: s.kind for s in loaded(text, tmp_path).states} == {
        "NEW": "queue",
        "DONE": "done",
    }
    assert "One version per process" not in text


# Privacy


def test_comments_and_options_show_no_personal_values(tmp_path: Path) -> None:
    people = ["Ada Lovelace", "Alan Turing", "Grace Hopper"]
    data = [
        {
            "owner": people[n % 3],
            "handled_by": people[n % 3],
            SCORE: f"call {people[n % 3]} back {n % 7}",
            "email": f"someone{n % 3}@example.org",
            "comment": "asked for Ada",
            "priority": "high" if n % 2 else "low",
        }
        for n in range(90)
    ]
    versions = [record(n, data=values) for n, values in enumerate(data)]
    text = proposed(write(tmp_path / "a.ndjson", versions))
    personal = {a.short_id for a in loaded(text, tmp_path).attributes if a.is_personal}
    assert personal == {"owner", "handled_by", "attribute_8168f355", "email", "comment"}
    assert not any(word in text for word in ("Ada", "Turing", "Grace", "someone", "asked"))
    assert "options: [high, low]" in text


# Whole files


def run_over(path: Path, procedure: Procedure) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory that has taken in a file or a folder with a definition."""
    con = duckdb.connect(config={"threads": 2})
    con.execute(RAW_TABLES).fetchall()
    con.execute(MACROS).fetchall()
    files, _ = find_files(path if path.is_dir() else path.parent)
    started_at = datetime.fromtimestamp(NOW / 1000, tz=UTC)
    ingest(con, files, Procedures((procedure,), {}), started_at=started_at)
    return con


def accepted_lines(con: duckdb.DuckDBPyConnection, procedure: str) -> int:
    """Versions and their exact repeats; a line of another procedure is none of ours."""
    query = "select sum(accepted + duplicates) from raw.ingest_files"
    (lines,) = con.execute(query).fetchall()[0]
    other = "select count(*) from raw.process_versions where procedure_id <> $id::uuid"
    assert con.execute(other, {"id": procedure}).fetchall() == [(0,)]
    return lines


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, versions=6000, seed=11, end=END, files=2, dirty_share=0.02)
    return folder


@pytest.mark.parametrize("name", ["lead", "ticket"])
@pytest.mark.parametrize(
    "files",
    [
        *(pytest.param(f"part-000{n}.ndjson", marks=pytest.mark.nightly) for n in (1, 2)),
        "all",
    ],
)
def test_a_run_accepts_the_lines_of_a_simulated_file_that_the_proposal_came_from(
    simulated: Path, tmp_path: Path, name: str, files: str
) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    for path in simulated.glob("*.ndjson" if files == "all" else files):
        shutil.copy(path, landing)
    true = load_procedures(PROCEDURES_FOLDER).by_short_id[name]
    source = landing if files == "all" else landing / files
    text = proposed(source, true.id)
    versions = int(text.partition(" versions")[0].rpartition(" ")[2].replace(",", ""))
    procedure = loaded(text, tmp_path)
    assert accepted_lines(run_over(landing, procedure), procedure.id) == versions
    # All of the lines the true definition accepts are among them.
    assert versions >= accepted_lines(run_over(landing, true), true.id) > 500


def test_simulated_leads_are_recognised(simulated: Path, tmp_path: Path) -> None:
    true = load_procedures(PROCEDURES_FOLDER).by_short_id["lead"]
    found = loaded(proposed(simulated / "part-0001.ndjson", true.id), tmp_path)
    types = {a.id: a.type for a in found.attributes}
    for name in ("email", "phone", "source", "score", "budget", "expected_close_on", "consent"):
        attribute = by_short_id(true.attributes)[name]
        assert types[attribute.id] == attribute.type, name
    options = {a.id: set(a.options) for a in found.attributes}
    source = true.attributes[3]
    assert options[source.id] >= set(source.options)
    full_name = next(a for a in found.attributes if a.id == true.attributes[0].id)
    assert full_name.is_personal
    assert [d.type for d in found.derived_attributes] == ["decimal"]
    kinds = {state.id: state.kind for state in found.states}
    for state in true.states:
        expected = "work" if state.kind.startswith("waiting") else state.kind
        assert kinds[state.id] == expected, state.short_id
    ranks = [state.id for state in found.states]
    assert ranks[0] == true.states[0].id
    order = [ranks.index(s.id) for s in true.states if s.kind == "work"]
    assert order == sorted(order)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["2016-03.ndjson.zst", "2016-04.ndjson.zst"])
def test_a_real_ticket_history_is_recognised(tmp_path: Path, name: str) -> None:
    if not INCIDENTS.is_dir():
        pytest.skip("the incident history is not at hand")
    landing = tmp_path / "landing"
    landing.mkdir()
    shutil.copy(INCIDENTS / "landing" / name, landing)
    text = proposed(landing / name)
    procedure = loaded(text, tmp_path)
    con = run_over(landing, procedure)
    lines = "select sum(lines), sum(accepted + duplicates) from raw.ingest_files"
    ((n_lines, n_accepted),) = con.execute(lines).fetchall()
    assert n_lines == n_accepted > 40_000
    assert f"# {n_lines:,} lines: {n_lines:,} versions.\n" in text
    # Some incidents were completed after the version that says so, by their own dates.
    broken = """
        select distinct rule from raw.violations
        where rule not like '%:isin' and rule <> 'core:completed_at:order'
    """
    assert con.execute(broken).fetchall() == []
    types = [a.type for a in procedure.attributes]
    assert types.count("integer") == 3
    assert types.count("boolean") == 2
    assert types.count("stringId") == 1
    assert types.count("stringEnum") >= 4
    assert procedure.primary_key is not None


# Anything at all

NAMES = st.sampled_from(["a", "A", "b c", "", " ", "a:b", "#x", "ä", "null", "12", "'", '"', "- a",
                         "{x", "line\nbreak", "\u2028", "\x85", "\x7f", "🙂", SCORE, "status"])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**14) | st.floats(-9, 9) | NAMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=3,
)
VERSIONS = st.lists(
    st.builds(
        record,
        st.integers(1, 3),
        st.integers(0, 3),
        state=NAMES.filter(lambda name: name == name.strip() and name != ""),
        status=st.sampled_from(["OPEN", "COMPLETED", "CANCELLED"]),
        isDeleted=st.booleans(),
        data=st.dictionaries(NAMES, VALUES, max_size=3),
        derivedData=st.dictionaries(NAMES, VALUES, max_size=2),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.nightly
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(versions=VERSIONS)
def test_whatever_the_data_the_proposal_is_in_order_and_fits(
    tmp_path_factory: pytest.TempPathFactory, versions: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    landing = folder / "landing"
    landing.mkdir()
    text = proposed(write(landing / "a.ndjson", versions))
    procedure = loaded(text, folder)
    con = run_over(landing, procedure)
    assert accepted_lines(con, procedure.id) == len(versions)
    assert set(notes(text)) >= {"NEW"} or procedure.states
