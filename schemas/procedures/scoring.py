"""The script that computes `grade` in lead.yaml from several attributes of a lead."""

from __future__ import annotations

import polars as pl

_GRADES = {"A": 90, "B": 70, "C": 45}
_OF_PLAN = {"Starter": 0, "Team": 10, "Business": 20}
_OF_SOURCE = {"Referral": 15, "Partner": 10, "Event": 5, "Website": 5, "Cold call": 0}
_CONSENT = 10


def grade(leads: pl.DataFrame) -> pl.Series:
    """One grade a row: A from 90 points, B from 70, C from 45, else D; null without a score.

    Points are the score and those for plan, source and consent; unknown values give none.
    """
    points = (
        pl.col("score")
        + pl.col("plan").replace_strict(_OF_PLAN, default=0)
        + pl.col("source").replace_strict(_OF_SOURCE, default=0)
        + pl.col("consent").fill_null(value=False) * _CONSENT
    )
    named = pl.when(points.is_null()).then(None)
    for name, least in _GRADES.items():
        named = named.when(points >= least).then(pl.lit(name))
    return leads.select(grade=named.otherwise(pl.lit("D"))).to_series()
