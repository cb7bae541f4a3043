"""The notebooks in a browser: what readers choose changes what they see, also on a phone.

That each choice gives the right figures is tested without a browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Error, Locator, Page, Request, expect

from tests.support.browser import free_port, needs_browser, open_page, serving

_PICTURE = "canvas => canvas.toDataURL()"
_PHONE_WIDTH = 390


@contextmanager
def notebook(name: str, data: Path, procedure: str) -> Iterator[Page]:
    """A notebook on a procedure in a browser, which must ask nobody but its own server."""
    port, left = free_port(), list[str]()

    def note(request: Request) -> None:
        if not request.url.startswith((f"http://127.0.0.1:{port}/", "data:", "blob:")):
            left.append(request.url)

    environment = {"LEADTIME_DATA": str(data)}
    with (
        serving(["notebook", name], port=port, environment=environment) as address,
        open_page() as page,
    ):
        page.on("request", note)
        page.goto(address)
        page.get_by_label("procedure", exact=True).select_option(procedure)
        yield page
    assert left == []


def chart(page: Page, start: str) -> Locator:
    """The chart whose description starts so."""
    return page.get_by_label(re.compile(f"^{start}")).first.locator("canvas")


def choose(page: Page, widget: str, option: str, *, changes: str) -> None:
    """Choose an option and wait until the chart that it `changes` looks different."""
    before = chart(page, changes).evaluate(_PICTURE)
    page.get_by_label(widget, exact=True).select_option(option)
    for _ in range(200):
        page.wait_for_timeout(100)
        with suppress(Error):  # the chart is just being replaced
            if chart(page, changes).evaluate(_PICTURE, timeout=1_000) != before:
                return
    pytest.fail(f"{changes} is the same with {widget} = {option}")


def fits_a_phone(page: Page) -> bool:
    """Whether nothing is wider than a phone."""
    page.set_viewport_size({"width": _PHONE_WIDTH, "height": 844})
    page.wait_for_timeout(1_000)
    return page.evaluate("document.documentElement.scrollWidth") == _PHONE_WIDTH


@needs_browser
def test_a_reader_chooses_a_funnel_and_lists_the_processes_of_a_bar(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    reached = dict(
        published.sql("""
            select mode, processes from funnel_steps
            where procedure = 'lead' and funnel = 'conversion' and step = 'CONVERTED'
        """).fetchall()
    )
    assert reached["ordered"] != reached["strict"]
    with notebook("conversion", data, "lead") as page:
        text = page.locator("body")
        expect(text).to_contain_text(f"reached CONVERTED{reached['ordered']:,}share of entered")
        choose(page, "mode", "strict", changes="Funnel: select")
        expect(text).to_contain_text(f"reached CONVERTED{reached['strict']:,}share of entered")
        choose(page, "filter by", "source", changes="Funnel: select")
        expect(text).to_contain_text("Only processes whose source is")
        box = chart(page, "Funnel: select").bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] * 0.36, box["y"] + box["height"] * 0.25)
        expect(text).to_contain_text("NEW: reached (")
        assert fits_a_phone(page)


@needs_browser
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (
            "comparison",
            [
                ("window", "7 d", "Share of the first step"),
                ("compare", "source", "Share of the first step"),
                ("second", "Referral", "Difference"),
            ],
        ),
        (
            "flow",
            [
                ("filter by", "source", "Open processes by time"),
                ("value", "Event", "Time to completion"),
                ("ahead", "7 d", "Closed by"),
            ],
        ),
        (
            "outcomes",
            [
                ("compare by", "source", "Outcomes by age|Share completed by age"),
                ("outcome", "cancelled", "Share (completed|cancelled), by month"),
            ],
        ),
        (
            "resolution_times",
            [("time", "to the last completion", "Time to"), ("in", "working time", "Time to")],
        ),
    ],
)
def test_each_choice_changes_a_chart(
    data: Path, name: str, changes: list[tuple[str, str, str]]
) -> None:
    with notebook(name, data, "lead") as page:
        for widget, option, start in changes:
            choose(page, widget, option, changes=start)
        assert fits_a_phone(page)
