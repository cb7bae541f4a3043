"""A check of an asset and its verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import dagster as dg
import duckdb

from pipelines.ingest.files import IngestReport

Severity = Literal["warn", "error"]


@dataclass(frozen=True)
class Verdict:
    """The result of a check: whether it passed, its severity if not, and a sentence."""

    passed: bool
    severity: Severity
    sentence: str
    n_wrong: int = 0


Evaluation = Callable[[duckdb.DuckDBPyConnection, IngestReport | None], Verdict]


@dataclass(frozen=True)
class Check:
    """A check of one asset; it runs in the step `layer`, after the tables in `reads`.

    When a blocking check fails, its step fails, and no later step runs.
    """

    name: str
    layer: Literal["raw", "core", "mart"]
    table: str
    description: str
    evaluate: Evaluation
    is_blocking: bool = True
    reads: tuple[str, ...] = ()

    def spec(self, prefix: Sequence[str] = ()) -> dg.AssetCheckSpec:
        """The check as Dagster has it, of the asset whose key begins with `prefix`."""
        return dg.AssetCheckSpec(
            self.name,
            asset=dg.AssetKey([*prefix, self.layer, self.table]),
            description=self.description,
            blocking=self.is_blocking,
        )


def expect_none(query: str) -> Evaluation:
    """Passes when `query`, which counts wrong rows, finds none."""

    def evaluate(con: duckdb.DuckDBPyConnection, _: IngestReport | None) -> Verdict:
        n_wrong = int(con.execute(query).fetchall()[0][0])
        if n_wrong == 0:
            return Verdict(passed=True, severity="error", sentence="It holds.")
        noun = "case" if n_wrong == 1 else "cases"
        return Verdict(False, "error", f"It does not hold in {n_wrong:,} {noun}.", n_wrong)

    return evaluate
