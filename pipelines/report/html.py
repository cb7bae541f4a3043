"""Writes reports as one self-contained HTML page."""

import re
from collections.abc import Sequence
from datetime import date
from html import escape

from pipelines.report.model import Column, Linked, Report, Section, Trend, low_and_high
from pipelines.terminal.text import MISSING, count

_WIDTH, _HEIGHT, _MARGIN = 720, 140, 8
_TOP = 30  # the line of the trend stays below its title, also in the larger letters of a phone

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --ink: #3b6fb6; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: bottom; } section { overflow-x: auto; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number, td.day { white-space: nowrap; }
.bar { width: 10rem; } .bar div { background: var(--ink); height: .7rem; border-radius: 2px; }
.note, footer { color: #777; font-size: .95em; } figure { margin: 1rem 0; }
svg { width: 100%; height: auto; } polyline { fill: none; stroke: var(--ink); stroke-width: 2; }
text { fill: #777; font-size: 12px; } code { font-size: .95em; }
@media (max-width: 40rem) {
  body { font-size: 13px; margin: 1rem auto; } .bar { display: none; }
  th, td { padding-right: .5rem; } text { font-size: 22px; }
}
@media print {
  :root { color-scheme: light; --line: #bbb; } * { print-color-adjust: exact; }
  @page { margin: 12mm; } body { font-size: 9px; line-height: 1.3; max-width: none; margin: 0; }
  h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: .9rem; margin: .6rem 0 .2rem; }
  th, td { padding: .1rem .5rem .1rem 0; } .note { margin: .2rem 0; }
  .bar div { height: .5rem; } figure { margin: .2rem 0; }
  svg { height: 60px; } section, tr { break-inside: avoid; } section { overflow: visible; }
  article + article { break-before: page; } nav { display: none; }
}
"""
# Names in titles and notes, as in Markdown.
_NAME = re.compile("`([^`]+)`")


def html_report(reports: Sequence[Report]) -> str:
    """The page: one part per report, with links to them at the top if there are several."""
    names = [report.procedure for report in reports]
    links = " · ".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in names)
    parts = "\n".join(_report(report) for report in reports)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Report: {escape(", ".join(names))}</title>
<style>{_STYLE}</style>
</head>
<body>
{f"<nav>{links}</nav>" if len(names) > 1 else ""}
{parts}
<footer>Made by leadtime from its published database.</footer>
</body>
</html>
"""


def _report(report: Report) -> str:
    as_of = report.as_of.isoformat(" ", "minutes")
    sections = "\n".join(_section(section) for section in report.sections)
    return f"""<article id="{escape(report.procedure)}">
<h1>Report on {escape(report.procedure)}</h1>
<p class="note">As of {as_of} UTC; days begin at midnight in {escape(report.time_zone)}.</p>
{sections}
</article>"""


def _section(section: Section) -> str:
    head = "".join(f"<th{_class(column)}>{escape(column.title)}</th>" for column in section.columns)
    rows = "\n".join(
        "<tr>"
        + "".join(
            f"<td{_class(column, value)}>{_cell(column, value)}</td>"
            for column, value in zip(section.columns, row, strict=True)
        )
        + "</tr>"
        for row in section.rows
    )
    chart = _chart(section.trend) if section.trend and section.trend.points else ""
    note = f'<p class="note">{_marked(section.note)}</p>' if section.note else ""
    return f"""<section>
<h2>{_marked(section.title)}</h2>
{chart}
<table><thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody></table>
{note}
</section>"""


def _marked(text: str) -> str:
    return _NAME.sub(r"<code>\1</code>", escape(text))


def _class(column: Column, value: object = None) -> str:
    if column.is_bar:
        return ' class="bar"'
    if isinstance(value, date):
        return ' class="day"'
    return ' class="number"' if column.is_number else ""


def _cell(column: Column, value: object) -> str:
    if column.is_bar:
        width = float(value) * 100 if isinstance(value, float | int) else 0
        return f'<div style="width: {width:.1f}%"></div>'
    shown = escape(MISSING if value is None else column.show(value))
    if isinstance(value, Linked) and value.address:
        return f'<a href="{escape(value.address)}">{shown}</a>'
    return shown


def _chart(trend: Trend) -> str:
    """The trend as a line, labelled with its first and last day and its range."""
    low, high = low_and_high(trend.points)
    days = [day for day, _ in trend.points]
    last = max(1, len(days) - 1)
    left, bottom = _MARGIN, _HEIGHT - 24
    points = " ".join(
        f"{left + place / last * (_WIDTH - 2 * _MARGIN):.1f},"
        f"{bottom - (value - low) / (high - low) * (bottom - _TOP):.1f}"
        for place, (_, value) in enumerate(trend.points)
    )
    title = escape(trend.title)
    return f"""<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">
<text x="{left}" y="{_TOP - 8}">{title}: {count(round(low))} to {count(round(high))}</text>
<polyline points="{points}"/>
<text x="{left}" y="{_HEIGHT - 6}">{days[0]}</text>
<text x="{_WIDTH - left}" y="{_HEIGHT - 6}" text-anchor="end">{days[-1]}</text>
</svg></figure>"""
