"""`leadtime drivers`: ranks the values that go with converting, the others held equal."""

import duckdb
import polars as pl
from rich.console import Console

from pipelines.publish.reader import open_published
from pipelines.settings import Settings
from pipelines.terminal.text import MISSING, count, grid, share
from schemas.errors import OperationError
from transforms.models.drivers import DriverModel, ask_drivers, value_shown

_HEADINGS = (
    *("attribute", "value", "processes", "converted", "adjusted"),
    *("odds ratio alone", "odds ratio adjusted", "strength"),
)


def show_drivers(console: Console, settings: Settings, funnel: str, procedure: str | None) -> None:
    """Print the values at the entry of a funnel, the strongest first.

    Raises `OperationError` when nothing has been published, the funnel is unknown or that of
    several procedures, and as `ask_drivers`.
    """
    with open_published(settings) as con:
        found = _procedure_of(con, funnel, procedure)
        model = ask_drivers(con, found, funnel)
    console.print(
        f"{found}, funnel {funnel}: {count(model.processes)} processes whose window is over, "
        f"{count(model.converted)} converted ({share(model.converted / model.processes)}); "
        f"{count(model.waiting)} whose window is not over are left out."
    )
    console.print(grid(_HEADINGS, _rows(model.effects), right=range(2, len(_HEADINGS))))
    for sentence in _notes(model):
        console.print(sentence, style="dim")


def _procedure_of(con: duckdb.DuckDBPyConnection, funnel: str, procedure: str | None) -> str:
    """The procedure that has the funnel; raises `OperationError` if it is not exactly one."""
    query = "select distinct procedure, funnel from funnel_steps order by procedure, funnel"
    known = con.execute(query).fetchall()
    having = [name for name, its_funnel in known if its_funnel == funnel]
    if procedure is not None:
        having = [name for name in having if name == procedure]
    if len(having) == 1:
        return having[0]
    if having:
        found = f"{funnel!r} is a funnel of {', '.join(having)}"
        raise OperationError("FUNNEL", found, "Name one of them with --procedure.")
    names = ", ".join(f"{its_funnel} ({name})" for name, its_funnel in known) or "none is defined"
    of = f" of {procedure}" if procedure else ""
    raise OperationError("FUNNEL", f"found {funnel!r}{of}", f"Name one of these: {names}.")


def _rows(effects: pl.DataFrame) -> list[list[str]]:
    return [
        [
            row["attribute"],
            value_shown(row["value"], row["n_pooled"]),
            count(row["processes"]),
            share(row["share_converted"]),
            share(row["share_adjusted"]),
            MISSING if row["odds_ratio_alone"] is None else f"{row['odds_ratio_alone']:.2f}",
            f"{row['odds_ratio_adjusted']:.2f}",
            f"{row['strength']:+.3f}",
        ]
        for row in effects.iter_rows(named=True)
    ]


def _notes(model: DriverModel) -> list[str]:
    meaning = (
        "adjusted: share converted if all had the value and kept their others. Odds ratio: odds of "
        "converting with the value, divided by those with the others of the attribute. strength: "
        "logarithm of the adjusted one times the standard deviation of having the value."
    )
    caution = "What goes with converting need not be its cause."
    return [model.verdict, meaning, model.method, caution]
