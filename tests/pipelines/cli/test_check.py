"""`leadtime check` as the shell sees it: lines of problems, the schema, proposals.

What problems there are and what is proposed is tested where it is made.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.settings import PROCEDURES_FOLDER
from schemas.load import load_procedures
from tests.support.command_line import leadtime
from tests.support.infer_files import OTHER, PROCEDURE, path_of, record, write

UNDEFINED = "11111111-1111-4111-8111-111111111111"


def test_problems_stand_in_the_order_of_the_file_with_their_lines(tmp_path: Path) -> None:
    text = (PROCEDURES_FOLDER / "lead.yaml").read_text(encoding="utf-8")
    bad = tmp_path / "lead.yaml"
    bad.write_text(text.replace("kind: queue", "kind: queu").replace("type: phone", "type: fone"))
    lines = bad.read_text().splitlines()
    at = {word: n for n, line in enumerate(lines, 1) for word in ("queu", "fone") if word in line}
    code, _, err = leadtime("check", bad)
    assert code == 1
    attribute = f"{bad}:{at['fone']}: attributes[phone].type"
    state = f"{bad}:{at['queu']}: states[NEW].kind"
    assert err.index(attribute) < err.index(state)


def test_invalid_yaml_is_reported_with_line_and_column(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: a\nstates: [\n")
    code, _, err = leadtime("check", bad)
    assert code == 1
    assert f"{bad}:3:1: (file)" in err


def test_the_schema_is_printed_as_it_is_delivered() -> None:
    code, out, _ = leadtime("check", "--schema", width=40)
    assert code == 0
    delivered = PROCEDURES_FOLDER.parent / "docs" / "procedure.schema.json"
    assert json.loads(out) == json.loads(delivered.read_text(encoding="utf-8"))


def test_a_proposal_can_be_saved_and_checked(tmp_path: Path) -> None:
    data = {"note": "x" * 300, "score": 1}
    versions = [*path_of(1, "NEW", "DONE", end="COMPLETED"), record(2, data=data)]
    code, out, err = leadtime("check", "--infer", write(tmp_path / "a.ndjson", versions), width=40)
    assert (code, err) == (0, "")
    saved = tmp_path / "proposal.yaml"
    saved.write_text(out, encoding="utf-8")
    code, out, _ = leadtime("check", saved)
    assert code == 0
    assert "Valid: 1 procedure." in out


def test_of_several_procedures_one_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", [record(1), record(2, procedure=OTHER)])
    code, out, err = leadtime("check", "--infer", path)
    assert (code, out) == (1, "")
    assert "--procedure ID" in err
    assert PROCEDURE in err
    code, out, _ = leadtime("check", "--infer", path, "--procedure", OTHER)
    assert code == 0
    assert f"\nid: {OTHER}\n" in out


@pytest.mark.parametrize(
    "words",
    [
        ["--schema", "a.yaml"],
        ["--infer", "a.ndjson", "--schema"],
        ["--infer", "a.ndjson", "b.yaml"],
        ["--procedure", PROCEDURE],
    ],
)
def test_wrong_usage_is_exit_2(words: list[str]) -> None:
    assert leadtime("check", *words)[0] == 2


def test_a_folder_is_checked_by_the_definitions_in_it(tmp_path: Path) -> None:
    code, out, _ = leadtime("check", PROCEDURES_FOLDER)
    assert code == 0
    assert "lead.yaml" in out
    assert "ticket.yaml" in out
    code, _, err = leadtime("check", tmp_path)
    assert code == 1
    assert "no procedure files" in err


def test_a_missing_folder_is_not_a_problem_of_a_definition(tmp_path: Path) -> None:
    code, _, err = leadtime("check", "--procedures", tmp_path / "missing")
    assert code == 1
    assert f"{tmp_path / 'missing'}: no such folder." in err
    assert "problem" not in err


def test_data_given_as_a_definition_is_recognized(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", [record(1)])
    code, _, err = leadtime("check", path)
    assert code == 1
    assert "found:   data" in err
    assert f"`leadtime check --infer {path}` proposes one from data" in err


def test_a_procedure_that_is_defined_goes_by_its_shortid(tmp_path: Path) -> None:
    lead = PROCEDURE
    assert load_procedures(PROCEDURES_FOLDER).by_short_id["lead"].id == lead
    path = write(tmp_path / "a.ndjson", [record(1), record(2, procedure=UNDEFINED)])
    code, _, err = leadtime("check", "--infer", path)
    assert code == 1
    assert f"\n  lead ({lead}): 1 line, 1 process" in err
    assert f"\n  {UNDEFINED}: 1 line, 1 process" in err
    code, out, _ = leadtime("check", "--infer", path, "--procedure", "Lead")
    assert code == 0
    assert f"\nid: {lead}\n" in out
    # Without definitions only ids will do.
    where = ("--procedures", tmp_path / "missing")
    code, _, err = leadtime("check", "--infer", path, "--procedure", "lead", *where)
    assert code == 1
    assert "no line of procedure lead" in err
