"""leadtime as one code location of a workspace: the example in the page on installing loads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "schemas" / "docs" / "installing.md"
OTHER = """\
import dagster as dg

@dg.asset
def report(): ...

defs = dg.Definitions(assets=[report])
"""


@pytest.mark.nightly
def test_the_example_of_a_workspace_loads_beside_another_location(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    example = found[1].replace("/srv/leadtime/.venv/bin/python", sys.executable)
    assert sys.executable in example
    (tmp_path / "workspace.yaml").write_text(example)
    (tmp_path / "other_team.py").write_text(OTHER)
    ran = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "--load-with-grpc"],
        cwd=tmp_path,
        env={**os.environ, "LEADTIME_DATA": str(tmp_path / "data"), "DAGSTER_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for location in ("leadtime", "other_team"):
        assert f"Validation successful for code location {location}." in ran.stdout + ran.stderr
    assert not (tmp_path / "data").exists()
