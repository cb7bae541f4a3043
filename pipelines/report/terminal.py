"""A report as it looks in a terminal. What it says is in `contents.py`."""

from rich.console import Console

from pipelines.report.model import Column, Report, Section, Trend, low_and_high
from pipelines.show import MISSING, count, grid

_BAR_WIDTH = 16
_SPARKS = "▁▂▃▄▅▆▇█"


def print_report(console: Console, report: Report) -> None:
    """Print the sections one after the other."""
    as_of = report.as_of.isoformat(" ", "minutes")
    console.print(f"Report on {report.procedure}s as at {as_of} UTC", style="bold")
    for section in report.sections:
        console.print()
        print_section(console, section)


def print_section(console: Console, section: Section) -> None:
    """Print one section: title, table, chart and note."""
    console.print(section.title)
    rows = [
        [_cell(column, value) for column, value in zip(section.columns, row, strict=True)]
        for row in section.rows
    ]
    right = [place for place, column in enumerate(section.columns) if column.is_number]
    console.print(grid([column.title for column in section.columns], rows, right=right))
    if section.trend and section.trend.points:
        console.print(_sparkline(section.trend), soft_wrap=True)
    if section.note:
        console.print(section.note, style="dim", soft_wrap=True)


def _cell(column: Column, value: object) -> str:
    if column.is_bar:
        filled = round(float(value) * _BAR_WIDTH) if isinstance(value, float | int) else 0
        return "█" * filled + "░" * (_BAR_WIDTH - filled)
    return MISSING if value is None else column.show(value)


def _sparkline(trend: Trend) -> str:
    """One character a day, or every few days: the last of them."""
    low, high = low_and_high(trend.points)
    values = [value for _, value in trend.points]
    top = len(_SPARKS) - 1
    line = "".join(_SPARKS[round((value - low) / (high - low) * top)] for value in values)
    (first_day, first), (last_day, last) = trend.points[0], trend.points[-1]
    return f"{line}  {trend.title}: {count(first)} on {first_day}, {count(last)} on {last_day}"
