"""The charts of the notebook `flow`, each with a caption that says what is left out."""

from typing import Any

import polars as pl

from notebooks.parts import charts, time_charts
from notebooks.parts.filters import Filter
from notebooks.parts.flow import CYCLE_PERCENTILES
from notebooks.parts.published import counted, in_words

_LINES = {"arrivals": charts.BLUE, "closed": charts.GREEN, "open at the end": charts.ORANGE}
_BANDS = {
    "p50_seconds": "50 %",
    "p75_seconds": "75 %",
    "p90_seconds": "90 %",
    "p95_seconds": "95 %",
}


def cumulative_chart(bands: pl.DataFrame) -> Any:
    """How many processes had come to each state by each day."""
    order = bands["state"].unique(maintain_order=True).to_list()[::-1]
    return charts.captioned(
        time_charts.areas(bands, x="day", y="n", field="state", order=order, y_title="processes"),
        "Cumulative flow",
        "By the end of each day, processes by the furthest state they had come to, whatever "
        "happened later; the states in their order from above. A band that grows wider is where "
        "work piles up. Processes that had come to the last state before the first day are left "
        "out.",
    )


def weeks_chart(weeks: pl.DataFrame) -> Any:
    """Arrivals, closings and open processes by week."""
    return charts.captioned(
        time_charts.lines(
            weeks,
            x="week",
            y="n",
            colour=charts.coloured("line", [*_LINES], [*_LINES.values()]),
            x_title="week that begins on",
            y_title="processes",
        ),
        "Arrivals and closings by week",
        "Whole weeks only. Arrivals: created, reopened, restored or moved in. Closed: completed or "
        "cancelled.",
    )


def ageing_chart(ages: pl.DataFrame, limits: pl.DataFrame, *, only: Filter) -> Any:
    """Open processes by state and time in it, over the percentiles of finished visits."""
    shown, unit = charts.in_one_unit(ages.drop("n"), "seconds_in_state")
    size = charts.unit_of(ages["seconds_in_state"].max())[0]
    states = limits.filter(pl.col("state").is_in(ages["state"].to_list()))
    bands = pl.concat(
        states.select(
            "state",
            pl.lit(words).alias("percentile"),
            (pl.col(low) / size if low else pl.lit(0.0)).alias("from"),
            (pl.col(name) / size).alias("to"),
            pl.col("n").fill_null(0).lt(5).alias("is_small"),
        )
        for (name, words), low in zip(_BANDS.items(), [None, *_BANDS], strict=False)
    ).drop_nulls("to")
    n = ages["n"][0]
    return charts.captioned(
        time_charts.ageing(
            shown,
            bands,
            x="seconds_in_state",
            order=states["state"].to_list(),
            percentiles=[*_BANDS.values()],
            title=f"time in the state so far ({unit})",
        ),
        "Open processes by time in their state",
        "A dot is an open process; "
        + (
            f"{counted(n, 'process', several='processes')}. "
            if n == len(ages)
            else f"the longest {len(ages):,} of {n:,}. "
        )
        + only.words
        + "Bands: how long finished visits to the state took, by percentile; pale where they were "
        f"fewer than 5. Red: stalled ({ages['is_stalled'].sum():,}), longer in the state than 85 % "
        "of stays in it take, running ones included.",
    )


def cycles_chart(cycles: pl.DataFrame, *, only: Filter) -> Any:
    """The time to completion of each process, with percentile lines."""
    size, unit = charts.unit_of(cycles["resolution_seconds"].max())
    marks = dict(zip(CYCLE_PERCENTILES, cycles["percentiles"][0], strict=True))
    n = cycles["n"][0]
    return charts.captioned(
        time_charts.scatter(
            cycles.select(
                "process", "completed_at", (pl.col("resolution_seconds") / size).alias("time")
            ),
            x="completed_at",
            y="time",
            x_title="first completion",
            y_title=f"time from creation ({unit})",
            marks={
                f"{words}: {in_words(seconds)}": seconds / size for words, seconds in marks.items()
            },
        ),
        "Time to completion of each process",
        (
            f"{counted(n, 'process', several='processes')}. "
            if n == len(cycles)
            else f"The latest {len(cycles):,} of {n:,} processes; lines are about all. "
        )
        + only.words_on("were completed")
        + "Lines: as many took no longer. Open processes are not included, so that recent ones "
        "that take long are missing.",
    )


def forecast_figures(forecast: pl.DataFrame) -> dict[str, str]:
    """When as many are closed as are open now, by chance."""
    rows = forecast.rows(named=True)
    return {"open now": f"{rows[0]['open_processes']:,}"} | {
        f"closed by, {row['chance']:.0%} chance": str(row["done_on"] or "-") for row in rows
    }


def forecast_chart(forecast: pl.DataFrame) -> Any:
    """How many will at least be closed, by chance, and how often such forecasts held."""
    chance = pl.format("{} % chance", (100 * pl.col("chance")).round(0).cast(pl.Int64))
    shown = forecast.select(chance.alias("chance"), pl.col("closed_by_day").alias("at least"))
    held = [f"{row['n_held']} of {row['n_forecasts']}" for row in forecast.rows(named=True)]
    row = forecast.row(0, named=True)
    few = bool(forecast["is_small"].any())
    return charts.captioned(
        charts.bars(
            shown,
            x="at least",
            y="chance",
            order=shown["chance"].to_list(),
            title="processes closed, at least",
            text="at least",
        ),
        f"Closed by {row['by_day']}",
        f"From the {row['n_days_of_history']} days since {row['history_from']}, in which "
        f"{row['closed_per_day']:.1f} a day were closed, drawn at random 1,000 times. It assumes "
        "that this pace goes on. "
        + (
            f"Forecasts made this way in past weeks held {', '.join(held)} times: near the chance "
            "if they can be trusted, above it if they were too careful."
            if row["n_forecasts"]
            else "The data is too short to say how often such forecasts held."
        )
        + (" Fewer than 5 such forecasts: too few to say." if few and row["n_forecasts"] else ""),
    )
