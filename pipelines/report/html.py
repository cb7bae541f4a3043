"""Writes reports as one self-contained HTML page."""

import re
from collections.abc import Sequence
from datetime import date
from html import escape

from pipelines.report import svg
from pipelines.report.model import Ages, Bands, Column, Dots, Linked, Report, Section
from pipelines.terminal.text import MISSING

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
.bar i { display: block; height: 2px; margin: calc(-.35rem - 1px) 0 .35rem; background: #d9822b; }
.small td { opacity: .45; }
.note, footer { color: #777; font-size: .95em; } figure { margin: 1rem 0; }
svg { width: 100%; height: auto; } polyline { fill: none; stroke: var(--ink); stroke-width: 2; }
text { fill: #777; font-size: 12px; } code { font-size: .95em; }
circle { fill: var(--ink); fill-opacity: .6; } .stalled { fill: #c8503c; }
line { stroke: #d9822b; stroke-width: 1.2; } .interval { width: 8rem; height: 1em; }
.interval line { stroke: var(--ink); stroke-width: 2; } .interval .none { stroke: #d9822b; }
.interval circle { fill-opacity: 1; } .mark { fill: #a35b12; }
.picture { max-width: 40rem; } .legend { font-size: .85em; margin: .3rem 0; }
.legend span { margin-right: .7em; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; }
@media (max-width: 40rem) {
  body { font-size: 13px; margin: 1rem auto; } .bar { display: none; }
  th, td { padding-right: .5rem; } text { font-size: 22px; } .picture text { font-size: 14px; }
}
@media print {
  :root { color-scheme: light; --line: #bbb; } * { print-color-adjust: exact; }
  @page { size: A4; margin: 10mm; }
  body { font-size: 9px; line-height: 1.3; max-width: none; margin: 0; }
  h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: .9rem; margin: .5rem 0 .15rem; }
  th, td { padding: .06rem .5rem .06rem 0; }
  td a { white-space: nowrap; } .note { margin: .2rem 0; }
  .bar div { height: .5rem; } .bar i { margin: calc(-.25rem - 1px) 0 .25rem; }
  figure { margin: .2rem 0; }
  svg { height: 60px; } .picture svg { height: 100px; } .half text { font-size: 20px; }
  svg.interval { height: .9em; } .picture text { font-size: 13px; }
  article { display: grid; grid-template-columns: 1fr 1fr; column-gap: 6mm; }
  article > * { grid-column: 1 / -1; min-width: 0; } article > .half { grid-column: auto; }
  article { grid-auto-flow: dense; } .half .bar { display: none; }
  section, tr { break-inside: avoid; } section { overflow: visible; }
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
    chart = svg.trend(section.trend) if section.trend and section.trend.points else ""
    pale = ' class="small"' if section.is_small else ""
    table = f"""<table{pale}><thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody></table>"""
    note = f'<p class="note">{_marked(section.note)}</p>' if section.note else ""
    return f"""<section{' class="half"' if section.is_half else ""}>
<h2>{_marked(section.title)}</h2>
{chart}{_picture(section.picture)}
{table if section.rows else ""}
{note}
</section>"""


def _picture(drawn: Bands | Dots | Ages | None) -> str:
    match drawn:
        case Bands():
            return svg.bands(drawn)
        case Dots():
            return svg.dots(drawn)
        case Ages():
            return svg.ages(drawn)
        case None:
            return ""


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
        return _bar(value)
    if column.is_interval and isinstance(value, tuple):
        return svg.interval(*value)
    shown = escape(MISSING if value is None else column.show(value))
    if isinstance(value, Linked) and value.address:
        return f'<a href="{escape(value.address)}">{shown}</a>'
    return shown


def _bar(value: object) -> str:
    """A bar as long as a share, over which a line shows its limits where there are any."""
    if isinstance(value, tuple):
        low, part, high = value
        if low is None:
            return _bar(part)
        return f'{_bar(part)}<i style="margin-left: {low:.1%}; width: {high - low:.1%}"></i>'
    width = float(value) * 100 if isinstance(value, float | int) else 0
    return f'<div style="width: {width:.1f}%"></div>'
