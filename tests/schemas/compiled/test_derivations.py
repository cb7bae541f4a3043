"""What is wrong with computed attributes, and the order they are computed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.compiled import script_files
from schemas.compiled.derivations import check_derivations
from schemas.compiled.script_files import read_script
from tests.support.jobs import derived, jobs


def problems(*attributes: dict[str, Any], folder: Path | None = None) -> list[tuple[Any, ...]]:
    _, findings = check_derivations(jobs(*attributes, folder=folder))
    return [(f.path, f.found) for _, f in findings]


def rollup(aggregate: str, procedure: str = "job", **how: str) -> dict[str, Any]:
    return derived("x", "integer", rollup={"aggregate": aggregate, "procedure": procedure} | how)


def test_each_is_computed_after_those_it_reads() -> None:
    plan, findings = check_derivations(
        jobs(
            derived("c", "integer", formula="b + size"),
            derived("b", "integer", rollup={"procedure": "job", "aggregate": "sum", "of": "a"}),
            derived("a", "integer", formula="size"),
            derived("given", "integer"),
        )
    )
    assert findings == []
    assert [d.attribute.short_id for d in plan.derivations] == ["a", "b", "c"]


def test_circles_are_refused() -> None:
    found = problems(
        derived("a", "integer", formula="c + 1"),
        derived("b", "integer", formula="size"),
        derived("c", "integer", formula="a + b"),
    )
    assert found == [(("derivedAttributes", 0), "a circle: job.a > job.c > job.a")]


def test_a_rollup_of_itself_is_a_circle() -> None:
    (found,) = problems(rollup("sum", of="x"))
    assert found == (("derivedAttributes", 0), "a circle: job.x > job.x")


def test_a_formula_names_known_columns_and_gives_the_declared_type() -> None:
    path = ("derivedAttributes", 0, "formula")
    assert [where for where, _ in problems(derived("x", "integer", formula="sice + 1"))] == [path]
    assert [where for where, _ in problems(derived("x", "integer", formula="colour"))] == [path]
    assert problems(derived("x", "float", formula="size")) == []


@pytest.mark.parametrize(
    ("attribute", "key", "found"),
    [
        (rollup("sum"), ("rollup",), "sum of nothing"),
        (rollup("count", "task"), ("rollup", "procedure"), "'task'"),
        (rollup("avg", of="colour"), ("rollup", "of"), "a formula that gives VARCHAR"),
    ],
)
def test_rollups_are_checked(attribute: dict[str, Any], key: tuple[str, ...], found: str) -> None:
    assert (("derivedAttributes", 0, *key), found) in problems(attribute)


def test_a_rollup_gives_the_declared_type() -> None:
    attribute = derived(
        "x", "integer", rollup={"procedure": "job", "aggregate": "avg", "of": "size"}
    )
    assert [where for where, _ in problems(attribute)] == [("derivedAttributes", 0, "type")]


def test_an_attribute_is_computed_in_one_way() -> None:
    both = derived("x", "integer", formula="size", script="a.py:f", reads=["size"])
    assert (("derivedAttributes", 0, "script"), "formula and script together") in problems(both)


def test_scripts_are_found_and_read_known_columns(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("def f(frame):\n    return frame['size']\n")
    (tmp_path / "bad.py").write_text("def f(:\n")

    def found(place: str, *reads: str) -> list[tuple[Any, ...]]:
        attribute = derived("x", "integer", script=place, reads=list(reads))
        return problems(attribute, folder=tmp_path)

    assert found("good.py:f", "size") == []
    path = ("derivedAttributes", 0)
    assert found("good.py:f") == [(path, "a script without `reads`")]
    assert found("good.py:f", "sice") == [((*path, "reads", 0), "'sice'")]
    assert found("good.py:g", "size") == [((*path, "script"), "good.py without a function g")]
    assert found("bad.py:f", "size")[0][0] == (*path, "script")
    assert found("none.py:f", "size") == [((*path, "script"), "none.py: No such file or directory")]


@pytest.mark.parametrize(
    ("place", "mode", "said"),
    [
        ("script.py", 0o646, "other users may write to it"),
        (".", 0o777, "other users may write to its folder"),
        (".", 0o1777, ""),
        ("script.py", 0o600, ""),
    ],
)
def test_a_script_that_others_may_write_is_refused(
    tmp_path: Path, place: str, mode: int, said: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text("def f(frame):\n    return frame['x']\n")
    script.chmod(0o644)
    (tmp_path / place).chmod(mode)
    if said:
        with pytest.raises(PermissionError, match=said):
            read_script(script)
    else:
        assert read_script(script) == script.read_bytes()


def test_a_group_counts_where_it_has_other_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "script.py"
    script.write_text("")
    script.chmod(0o664)
    monkeypatch.setattr(script_files, "_others_in", lambda _: set[str]())
    assert read_script(script) == b""
    monkeypatch.setattr(script_files, "_others_in", lambda _: {"mallory"})
    with pytest.raises(PermissionError, match="other users may write to it"):
        read_script(script)
