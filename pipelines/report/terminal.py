"""Prints a report in a terminal."""

from math import ceil

from rich.console import Console

from pipelines.report.model import Column, Report, Section, Trend, low_and_high
from pipelines.terminal.text import MISSING, count, grid

_BAR_WIDTH = 16
_SPARKS = "▁▂▃▄▅▆▇█"


def print_report(console: Console, report: Report) -> None:
    """Print the title and every section."""
    as_of = report.as_of.isoformat(" ", "minutes")
    console.print(f"Report on {report.procedure}, as of {as_of} UTC", style="bold")
    for section in report.sections:
        if not section.rows:
            continue  # only a picture
        console.print()
        print_section(console, section)


def print_section(console: Console, section: Section) -> None:
    """Print one section: title, table, trend and note."""
    console.print(section.title)
    rows = [
        [_cell(column, value) for column, value in zip(section.columns, row, strict=True)]
        for row in section.rows
    ]
    places = list(enumerate(section.columns))
    console.print(
        grid(
            [column.title for column in section.columns],
            rows,
            right=[place for place, column in places if column.is_number],
            bars=[place for place, column in places if column.is_bar],
        )
    )
    if section.trend and section.trend.points:
        _print_trend(console, section.trend)
    if section.note:
        console.print(section.note, style="dim")


def _cell(column: Column, value: object) -> str:
    if column.is_bar:
        value = value[1] if isinstance(value, tuple) else value
        filled = round(float(value) * _BAR_WIDTH) if isinstance(value, float | int) else 0
        return "█" * filled + "░" * (_BAR_WIDTH - filled)
    return MISSING if value is None else column.show(value)


def _print_trend(console: Console, trend: Trend) -> None:
    """Print one character per day, or per few days when there is no room (the last of them)."""
    days = ceil(len(trend.points) / console.width)
    shown = trend.points[::-1][::days][::-1]
    low, high = low_and_high(shown)
    top = len(_SPARKS) - 1
    console.print("".join(_SPARKS[round((value - low) / (high - low) * top)] for _, value in shown))
    (first_day, first), (last_day, last) = trend.points[0], trend.points[-1]
    console.print(f"{trend.title}: {count(first)} on {first_day}, {count(last)} on {last_day}")
