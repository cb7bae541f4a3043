"""Which attribute values go with converting when the other attributes are held equal.

A logistic regression on the values at entry with a ridge penalty (le Cessie and van Houwelingen
1992), beside the odds ratios of `conversion_drivers`, which look at one value at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb
import polars as pl

from schemas.errors import OperationError
from transforms.models.design import Design, design_of
from transforms.models.ridge import cross_validated, fitted

LEAST_PROCESSES = 20
"""Values of fewer processes are pooled, attribute by attribute."""
LEAST_OF_EACH = 30
"""How many must have converted, and how many must not have, for a model to be fitted."""

_DIGITS = 6  # beyond these, sums of floats depend on the machine
_ENTRIES = """
    select process_id, attribute, value, is_window_over, is_finished
    from funnel_values_at_entry
    where procedure = $procedure and funnel = $funnel and is_observed_from_start
"""
_ALONE = """
    select attribute, value, odds_ratio as odds_ratio_alone from conversion_drivers
    where procedure = $procedure and funnel = $funnel
"""


@dataclass(frozen=True)
class DriverModel:
    """The effects of values, and whether the model predicts better than the share alone.

    `effects` has a row per attribute and value, the strongest first: `attribute`, `value` (null:
    without a value, or pooled), `n_pooled` (how many rare values the row stands for, else 0),
    `processes`, `share_converted`, `share_adjusted` (mean predicted share if all had the value and
    each kept its other ones), `odds_ratio_alone` (of `conversion_drivers`; null where pooled),
    `odds_ratio_adjusted` (odds of converting with the value over those with the others of the
    attribute, weighted by how frequent they are, all other attributes held equal) and `strength`:
    its logarithm times the standard deviation of having the value.

    `converted` of `processes` finished the funnel; `waiting` are left out, as their window is not
    over. `left_out` are attributes in which only one value is left to compare.
    Losses are mean logarithmic losses (less is better) of processes in folds that neither the model
    nor its penalty had seen, `baseline` that of the share alone; `auc` is the mean over the folds
    (0.5: no better than chance). `gain` is the difference of the losses, `gain_error` its standard
    error over processes.
    """

    effects: pl.DataFrame
    processes: int
    converted: int
    waiting: int
    left_out: tuple[str, ...]
    penalty: float
    loss: float
    baseline: float
    auc: float
    gain_error: float

    @property
    def gain(self) -> float:
        return self.baseline - self.loss

    @property
    def is_informative(self) -> bool:
        """Whether the model predicts better than the share by more than two standard errors."""
        return self.gain > 2 * self.gain_error

    @property
    def verdict(self) -> str:
        """Whether the ranking says anything, in a sentence with the figures behind it."""
        figures = (
            f"cross-validated log loss {self.loss:.4f}, of the share alone {self.baseline:.4f}; "
            f"AUC {self.auc:.2f}"
        )
        if self.is_informative:
            return f"The values predict better than the share alone ({figures})."
        return (
            f"The values predict no better than the share alone ({figures}): do not read anything "
            "into the ranking."
        )

    @property
    def method(self) -> str:
        """How the model was made, and what it leaves out, in sentences."""
        made = (
            f"Logistic regression with a ridge penalty ({self.penalty:.2g}, chosen by "
            f"cross-validation) on {self.processes:,} processes, of which {self.converted:,} "
            f"converted; {self.waiting:,} whose window is not over are left out. Values of fewer "
            f"than {LEAST_PROCESSES} processes are pooled."
        )
        if self.left_out:
            made += f" Without a second value to compare: {', '.join(self.left_out)}."
        return made


def value_shown(value: str | None, n_pooled: int) -> str:
    """A value of `effects` as text."""
    if n_pooled:
        return f"({n_pooled} rare {'value' if n_pooled == 1 else 'values'})"
    return "(no value)" if value is None else value


def ask_drivers(con: duckdb.DuckDBPyConnection, procedure: str, funnel: str) -> DriverModel:
    """The model of one funnel of the published database.

    Processes that began before `observed_since` are left out, as in `conversion_drivers`.
    Raises `OperationError` where the funnel has no `within` or no breakdowns at entry, and as
    `rank_values`.
    """
    asked = {"procedure": procedure, "funnel": funnel}
    entries = con.sql(_ENTRIES, params=asked).pl()
    if entries.is_empty() and _has_entries(con, asked):
        found = "no attribute values at its entry are published"
        raise OperationError(funnel, found, "Add `breakdowns: [...]` to it in its definition.")
    if entries["is_window_over"].null_count():
        found = "has no `within`, so that it is never decided who does not convert"
        raise OperationError(funnel, found, "Add `within: 30d`, say, to it in its definition.")
    model = rank_values(entries, funnel=funnel)
    alone = con.sql(_ALONE, params=asked).pl().with_columns(n_pooled=pl.lit(0, pl.Int64))
    effects = (
        model.effects.drop("odds_ratio_alone")
        .join(
            alone,
            on=["attribute", "value", "n_pooled"],
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )
        .select(model.effects.columns)
    )
    return replace(model, effects=effects)


def drivers_or_reason(
    con: duckdb.DuckDBPyConnection, procedure: str, funnel: str
) -> DriverModel | str:
    """As `ask_drivers`, or a sentence that says why there is no model and what to do."""
    try:
        return ask_drivers(con, procedure, funnel)
    except OperationError as error:
        return f"No model of all values together: {error}"


def rank_values(entries: pl.DataFrame, *, funnel: str) -> DriverModel:
    """The model of the rows of `funnel_values_at_entry` of a funnel with a `within`.

    The folds follow from the ids of processes and a fixed seed: the same rows give the same model.
    Raises `OperationError` where fewer than 30 converted or 30 did not of those whose window is
    over, where no attribute has two values left to compare, and without the extra `models`.
    """
    decided = entries.filter("is_window_over").sort("process_id")
    fates = decided.unique("process_id", maintain_order=True)["is_finished"]
    converted = int(fates.sum())
    others = fates.len() - converted
    if min(converted, others) < LEAST_OF_EACH:
        found = (
            f"of {fates.len()} processes whose window is over {converted} converted and {others} "
            "did not"
        )
        action = f"A model needs at least {LEAST_OF_EACH} of each: wait, or widen the funnel."
        raise OperationError(funnel, found, action)
    design = design_of(decided, least=LEAST_PROCESSES)
    if not design.levels:
        found = f"no attribute has two values of {LEAST_PROCESSES} processes or more to compare"
        raise OperationError(funnel, found, "Add others to `breakdowns` in its definition.")
    proof = cross_validated(design)
    model = fitted(design, proof.penalty)
    return DriverModel(
        effects=_effects(design, model.contrasts, model.adjusted_shares),
        processes=fates.len(),
        converted=converted,
        waiting=entries.filter(~pl.col("is_window_over"))["process_id"].n_unique(),
        left_out=design.left_out,
        penalty=proof.penalty,
        loss=round(proof.loss, _DIGITS),
        baseline=round(proof.baseline, _DIGITS),
        auc=round(proof.auc, _DIGITS),
        gain_error=round(proof.gain_error, _DIGITS),
    )


def _has_entries(con: duckdb.DuckDBPyConnection, asked: dict[str, str]) -> bool:
    query = "from funnel_progress where procedure = $procedure and funnel = $funnel limit 1"
    return not con.sql(query, params=asked).pl().is_empty()


def _effects(design: Design, contrasts: list[float], shares: list[float]) -> pl.DataFrame:
    total = sum(level.processes for level in design.levels if level.attribute_no == 0)
    rows: list[dict[str, object]] = []
    for level, contrast, share in zip(design.levels, contrasts, shares, strict=True):
        part = level.processes / total
        rows.append(
            {
                "attribute": level.attribute,
                "value": level.value,
                "n_pooled": level.n_pooled,
                "processes": level.processes,
                "share_converted": level.converted / level.processes,
                "share_adjusted": share,
                "odds_ratio_alone": None,
                "log": contrast,
                "strength": contrast * (part * (1 - part)) ** 0.5,
            }
        )
    whole = {"value": pl.String, "odds_ratio_alone": pl.Float64}
    return (
        pl.DataFrame(rows, schema_overrides=whole)
        .with_columns(
            pl.col("share_adjusted").round(_DIGITS),
            pl.col("strength").round(_DIGITS),
            odds_ratio_adjusted=pl.col("log").exp().round(_DIGITS),
        )
        .sort(
            [pl.col("strength").abs(), "attribute", "value"],
            descending=[True, False, False],
            nulls_last=True,
        )
        .select(
            *("attribute", "value", "n_pooled", "processes", "share_converted", "share_adjusted"),
            *("odds_ratio_alone", "odds_ratio_adjusted", "strength"),
        )
    )
