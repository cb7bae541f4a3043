"""How a report looks in a terminal, on a page and on paper."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines.report.html import html_report
from pipelines.report.model import Column, Report, Section, Trend, low_and_high
from pipelines.report.terminal import print_report
from pipelines.terminal.text import console, duration, share
from tests.support.browser import needs_browser, open_page

EXAMPLE = Report(
    "<lead>",
    datetime(2026, 3, 1, 12),
    "Europe/Berlin",
    (
        Section(
            "Steps & shares",
            (
                Column("step"),
                Column("", is_bar=True),
                Column("share", share, is_number=True),
                Column("time", duration, is_number=True),
            ),
            (("<b>NEW</b>", 1.0, 1.0, 0.0), ("DONE", 0.25, 0.25, None)),
            "Open ones <are> left out.",
            Trend(
                "open",
                ((date(2026, 1, 1), 10.0), (date(2026, 1, 2), 20.0), (date(2026, 1, 3), 15.0)),
            ),
        ),
    ),
)


def test_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(console(), EXAMPLE)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "Report on <lead>, as of 2026-03-01 12:00 UTC",
        "",
        "Steps & shares",
        "step                            share  time",
        "───────────────────────────────────────────",
        "<b>NEW</b>  ████████████████  100.0 %   0 s",
        "DONE        ████░░░░░░░░░░░░   25.0 %     -",
        "▁█▅",
        "open: 10.0 on 2026-01-01, 15.0 on 2026-01-03",
        "Open ones <are> left out.",
    ]


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_as_a_page_it_is_escaped_and_needs_nothing_else() -> None:
    page = html_report([EXAMPLE])
    tags = Tags(page).seen
    assert "&lt;b&gt;NEW&lt;/b&gt;" in page
    assert "<b>" not in page
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert not [attrs for _, attrs in tags if {"src", "href"} & set(attrs)]
    assert "url(" not in page
    assert "@import" not in page
    assert 'style="width: 25.0%"' in page
    (points,) = [attrs["points"] for tag, attrs in tags if tag == "polyline"]
    assert points
    heights = [float(pair.split(",")[1]) for pair in points.split()]
    assert heights[1] < heights[2] < heights[0]
    assert re.search(r"As of 2026-03-01 12:00 UTC", page)


def test_a_bar_shows_its_limits_and_few_are_pale(capsys: pytest.CaptureFixture[str]) -> None:
    (section,) = EXAMPLE.sections
    rows = (("NEW", (None, 1.0, None), 1.0, 0.0), ("DONE", (0.1, 0.25, 0.5), 0.25, None))
    found = replace(section, rows=rows, is_small=True)
    report = replace(EXAMPLE, sections=(found,))
    page = html_report([report])
    assert '<table class="small">' in page
    assert "<table>" in html_report([EXAMPLE])
    assert '<td class="bar"><div style="width: 100.0%"></div></td>' in page
    assert (
        '<div style="width: 25.0%"></div><i style="margin-left: 10.0%; width: 40.0%"></i>' in page
    )
    print_report(console(), report)
    assert "DONE  ████░░░░░░░░░░░░   25.0 %     -" in capsys.readouterr().out


def test_names_in_titles_are_marked_as_names() -> None:
    (section, *others) = EXAMPLE.sections
    named = replace(section, title="Funnel `a < b`, steps", note="`-`: not reached")
    page = html_report([replace(EXAMPLE, sections=(named, *others))])
    assert "<h2>Funnel <code>a &lt; b</code>, steps</h2>" in page
    assert '<p class="note"><code>-</code>: not reached</p>' in page


@needs_browser
def test_a_page_fits_a_phone_and_prints_its_bars(tmp_path: Path) -> None:
    (narrow,) = EXAMPLE.sections
    wide = replace(narrow, columns=narrow.columns * 8, rows=(narrow.rows[0] * 8,))
    file = tmp_path / "report.html"
    file.write_text(html_report([replace(EXAMPLE, sections=(wide, narrow))]))
    with open_page() as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.emulate_media(media="print")
        bar = "getComputedStyle(document.querySelector('.bar div')).printColorAdjust"
        assert page.evaluate(bar) == "exact"


def test_a_flat_line_has_a_range() -> None:
    assert low_and_high([(date(2026, 1, 1), 3), (date(2026, 1, 2), 3)]) == (2.5, 3.5)
