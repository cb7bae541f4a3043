"""Validation cannot be switched off from outside, and says so when it does not work."""

import os
import subprocess
import sys

import duckdb
import pandera.polars as pa
import pytest

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.validate_chunks import ChunkValidators
from pipelines.settings import PROCEDURES_FOLDER
from schemas.load import load_procedures
from schemas.records import proof, rule
from schemas.records.proof import prove_rules, prove_rules_once
from schemas.records.rule import RuleError

_VALIDATE = """
import duckdb, polars as pl
from schemas.definitions.procedure import Procedures
from schemas.records.proof import prove_rules
from schemas.records.limits import LATEST_PLANNED_MS, raw
from schemas.records.record import FIELDS
from transforms.validate.validation import Validator

prove_rules()
lines = pl.DataFrame([dict.fromkeys([raw(f.column) for f in FIELDS], "wrong")]).with_columns(line=pl.lit(1, dtype=pl.Int64))
validated = Validator(duckdb.connect(), Procedures((), {}), latest_ms=LATEST_PLANNED_MS).validate(lines)
print(validated.accepted.height, validated.rejected.height)
"""


@pytest.mark.parametrize(
    "variables",
    [
        {"PANDERA_VALIDATION_ENABLED": "False"},
        {"PANDERA_VALIDATION_DEPTH": "SCHEMA_ONLY"},
        {"PANDERA_USE_NARWHALS_BACKEND": "True"},
        {"PANDERA_CACHE_DATAFRAME": "True", "PANDERA_VALIDATION_DEPTH": "DATA_ONLY"},
    ],
    ids=",".join,
)
def test_the_environment_does_not_switch_validation_off(variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _VALIDATE],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("0 1", "")


def test_rules_that_find_nothing_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    prove_rules()
    monkeypatch.setattr(pa.DataFrameSchema, "validate", lambda _, frame, **__: frame)
    with pytest.raises(RuleError, match=r"missed \['core:created_at:range', "):
        prove_rules()


def test_a_rule_that_rejects_everything_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_failures(frame: object, schema: object, rules: object) -> object:
        found = rule.find_failures(frame, schema, rules)  # type: ignore[arg-type]
        return found.with_columns(row=found["row"] * 0)

    monkeypatch.setattr(proof, "find_failures", find_failures)
    with pytest.raises(RuleError, match=r"wrongly found \['core:created_at:range', "):
        prove_rules()


def test_no_line_is_validated_before_the_rules_are_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prove_rules_once.cache_clear()
    procedures = load_procedures(PROCEDURES_FOLDER)
    chunk = Chunk(body=b"{}\n", first_line=1, lines=1, position=3, too_long={})
    with monkeypatch.context() as patched:
        patched.setattr(pa.DataFrameSchema, "validate", lambda _, frame, **__: frame)
        for work in ("validate", "take_in"):
            with ChunkValidators(duckdb.connect(), procedures, 0) as validators:
                parts = getattr(validators, work)(iter([("a", chunk)]))
                with pytest.raises(RuleError, match="the rules of the record do not work"):
                    list(parts)
    prove_rules_once()  # what failed is tried again
