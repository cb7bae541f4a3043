"""Draws the pictures of a report as SVG, without scripts."""

from collections.abc import Sequence
from html import escape
from math import log, sqrt

from pipelines.report.model import Ages, Bands, Dots, Trend, low_and_high
from pipelines.terminal.text import count, duration, shortened

_WIDTH, _HEIGHT, _MARGIN = 720, 140, 8
_TOP = 30  # the line of the trend stays below its title, also in the larger letters of a phone
_HALF_WIDTH, _HALF_HEIGHT = 480, 200
_STATE_WIDTH, _AGE_ROW = 150, 26
_LONGEST_STATE = 17
_COLOURS = (
    "#7f7f7f", "#d55e00", "#56b4e9", "#cc79a7", "#009e73", "#e69f00", "#0072b2", "#b8a800",
)  # fmt: skip
_LIMIT_COLOURS = ("#dcebe4", "#eef0cf", "#f8e3c0", "#f3cdc4")
_INTERVAL = 120  # the width of an interval in a table
_MOST_RATIO = 5


def trend(drawn: Trend) -> str:
    """The trend as a line, labelled with its first and last day and its range."""
    low, high = low_and_high(drawn.points)
    days = [day for day, _ in drawn.points]
    last = max(1, len(days) - 1)
    left, bottom = _MARGIN, _HEIGHT - 24
    points = " ".join(
        f"{left + place / last * (_WIDTH - 2 * _MARGIN):.1f},"
        f"{bottom - (value - low) / (high - low) * (bottom - _TOP):.1f}"
        for place, (_, value) in enumerate(drawn.points)
    )
    return _figure(
        drawn.title,
        (_WIDTH, _HEIGHT),
        f'<text x="{left}" y="{_TOP - 8}">{escape(drawn.title)}: {count(round(low))} to '
        f'{count(round(high))}</text>\n<polyline points="{points}"/>\n'
        + _ends(days[0], days[-1], (_WIDTH, _HEIGHT)),
    )


def bands(drawn: Bands) -> str:
    """The bands upon each other, the first one at the bottom, below a legend."""
    n_days = len(drawn.days)
    base = [0.0] * n_days
    highest = max(map(sum, zip(*drawn.values.values(), strict=True))) or 1
    bottom, left = _HALF_HEIGHT - 24, _MARGIN
    width = _HALF_WIDTH - 2 * _MARGIN

    def edge(heights: Sequence[float], places: Sequence[int]) -> str:
        return " ".join(
            f"{left + place / max(1, n_days - 1) * width:.1f},"
            f"{bottom - heights[place] / highest * (bottom - _TOP):.1f}"
            for place in places
        )

    shapes, legend = list[str](), list[str]()
    for place, (name, values) in enumerate(drawn.values.items()):
        top = [under + value for under, value in zip(base, values, strict=True)]
        outline = edge(top, range(n_days)) + " " + edge(base, range(n_days)[::-1])
        colour = _COLOURS[place % len(_COLOURS)]
        shapes.append(f'<polygon points="{outline}" fill="{colour}"/>')
        legend.insert(0, f'<span><i style="background: {colour}"></i>{escape(name)}</span>')
        base = top
    inner = f'<text x="{left}" y="{_TOP - 8}">{count(round(highest))} in all</text>\n'
    ends = _ends(drawn.days[0], drawn.days[-1], (_HALF_WIDTH, _HALF_HEIGHT))
    picture = _figure(
        drawn.title, (_HALF_WIDTH, _HALF_HEIGHT), inner + "\n".join(shapes) + "\n" + ends
    )
    return f'<p class="legend">{" ".join(legend)}</p>\n{picture}'


def dots(drawn: Dots) -> str:
    """A dot for each instant and duration, with a labelled line at each mark."""
    first, last = drawn.points[-1][0], drawn.points[0][0]
    span = (last - first).total_seconds() or 1
    highest = max(seconds for _, seconds in drawn.points) or 1
    bottom, width = _HALF_HEIGHT - 24, _HALF_WIDTH - 2 * _MARGIN

    def height(seconds: float) -> float:
        return bottom - seconds / highest * (bottom - _TOP)

    circles = "".join(
        f'<circle cx="{_MARGIN + (at - first).total_seconds() / span * width:.1f}" '
        f'cy="{height(seconds):.1f}" r="2"/>'
        for at, seconds in drawn.points
    )
    lines = "".join(
        f'<line x1="{_MARGIN}" x2="{_HALF_WIDTH - _MARGIN}" y1="{height(seconds):.1f}" '
        f'y2="{height(seconds):.1f}"/>'
        f'<text x="{_MARGIN + place * width / len(drawn.marks):.1f}" '
        f'y="{height(seconds) - 3:.1f}" class="mark">{escape(label)}</text>'
        for place, (label, seconds) in enumerate(drawn.marks.items())
    )
    inner = f'<text x="{_MARGIN}" y="{_TOP - 14}">up to {duration(highest)}</text>\n'
    ends = _ends(first.date(), last.date(), (_HALF_WIDTH, _HALF_HEIGHT))
    return _figure(drawn.title, (_HALF_WIDTH, _HALF_HEIGHT), f"{inner}{circles}\n{lines}\n{ends}")


def ages(drawn: Ages) -> str:
    """A row of dots for each state over its bands; distances are those of square roots."""
    every = [seconds for row in drawn.rows for seconds, _ in row.points]
    highest = max([*every, *(limit for row in drawn.rows for limit in row.limits)]) or 1
    left, width = _STATE_WIDTH, _HALF_WIDTH - _STATE_WIDTH - _MARGIN
    size = (_HALF_WIDTH, _AGE_ROW * len(drawn.rows) + 24)

    def place(seconds: float) -> float:
        return left + sqrt(max(seconds, 0) / highest) * width

    parts = list[str]()
    for row_no, row in enumerate(drawn.rows):
        top, start = row_no * _AGE_ROW, 0.0
        name = escape(shortened(row.state, _LONGEST_STATE))
        parts.append(f'<text x="0" y="{top + 17}">{name}</text>')
        for limit, colour in zip(row.limits, _LIMIT_COLOURS, strict=False):
            parts.append(
                f'<rect x="{place(start):.1f}" y="{top + 2}" height="{_AGE_ROW - 4}" '
                f'width="{place(limit) - place(start):.1f}" fill="{colour}"/>'
            )
            start = limit
        parts += [
            f'<circle cx="{place(seconds):.1f}" cy="{top + 6 + dot_no * 5 % 9 * 1.8:.1f}" r="2.5"'
            f"{' class=' + chr(34) + 'stalled' + chr(34) if is_stalled else ''}/>"
            for dot_no, (seconds, is_stalled) in enumerate(row.points)
        ]
    return _figure(
        drawn.title, size, "\n".join(parts) + "\n" + _ends("0", duration(highest), size, left)
    )


def interval(low: float, middle: float, high: float) -> str:
    """An odds ratio with its interval, on a logarithmic scale with a line at 1."""

    def place(ratio: float) -> float:
        within = min(max(ratio, 1 / _MOST_RATIO), _MOST_RATIO)
        return _INTERVAL / 2 + log(within) / log(_MOST_RATIO) * (_INTERVAL / 2 - 5)

    return (
        f'<svg class="interval" viewBox="0 0 {_INTERVAL} 12" role="img" '
        f'aria-label="{middle:.2f} ({low:.2f} to {high:.2f})">'
        f'<line class="none" x1="{_INTERVAL / 2}" x2="{_INTERVAL / 2}" y1="0" y2="12"/>'
        f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="6" y2="6"/>'
        f'<circle cx="{place(middle):.1f}" cy="6" r="3.5"/></svg>'
    )


def _ends(first: object, last: object, size: tuple[int, int], left: int = _MARGIN) -> str:
    """The labels of both ends of the axis at the bottom."""
    width, height = size
    return (
        f'<text x="{left}" y="{height - 6}">{first}</text>\n'
        f'<text x="{width - _MARGIN}" y="{height - 6}" text-anchor="end">{last}</text>'
    )


def _figure(title: str, size: tuple[int, int], inner: str) -> str:
    width, height = size
    kind = "" if width == _WIDTH else ' class="picture"'
    label = f'role="img" aria-label="{escape(title)}"'
    return f'<figure{kind}><svg viewBox="0 0 {width} {height}" {label}>\n{inner}\n</svg></figure>'
