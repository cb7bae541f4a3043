"""Gray's test of several cumulative incidences, from its definitions and in exact fractions.

Each process of a group is a `Watched` of `outcomes.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations

from .outcomes import Watched, at_risk, incidence, survival

Matrix = list[list[Fraction]]


def gray_test(groups: Sequence[Sequence[Watched]], outcome: str) -> float | None:
    """The statistic of Gray (1988) with rho = 0, ties as in cmprsk; null if it cannot be formed.

    The score of a group is linear in the martingales of all groups: in those of the outcome and in
    those of the other outcome, which change who counts as at risk.
    """
    scores, covariances = scores_of(groups, outcome)
    bordered = [[*row, score] for row, score in zip(covariances, scores, strict=True)]
    bordered.append([*scores, Fraction(0)])
    volume = determinant(covariances)
    return None if volume == 0 else float(-determinant(bordered) / volume)


def scores_of(groups: Sequence[Sequence[Watched]], outcome: str) -> tuple[list[Fraction], Matrix]:
    """Scores and covariances of all groups but the last."""
    times = sorted({w.ms for group in groups for w in group if w.outcome})
    numbers = range(len(groups))
    common = [Fraction(0)]
    sizes: list[list[Fraction]] = []
    scores = [Fraction(0) for _ in numbers]
    for time in times:
        size = [
            Fraction(at_risk(group, time)) / (survival(group, time - 1) or 1) for group in groups
        ]
        mine = [_events(group, time, outcome) for group in groups]
        left = [
            size[k] * (1 - incidence(group, outcome, time - 1)) for k, group in enumerate(groups)
        ]
        if sum(mine):
            for k in numbers:
                scores[k] += mine[k] - sum(mine) * left[k] / sum(left)
        common.append(common[-1] + Fraction(sum(mine)) / sum(size))
        sizes.append(size)

    def now(place: int, k: int, r: int) -> Fraction:
        size = sizes[place]
        if not size[k] or not size[r]:
            return Fraction(0)
        return size[k] * ((k == r) - size[r] / sum(size))

    def later(place: int, k: int, r: int) -> Fraction:
        return sum(
            (
                now(p, k, r) * (common[p + 1] - common[p]) / (1 - common[p])
                for p in range(place + 1, len(times))
            ),
            Fraction(0),
        )

    last = len(groups) - 1
    covariances: Matrix = [[Fraction(0)] * last for _ in range(last)]
    for place, time in enumerate(times):
        n = sum(_events(group, time, outcome) for group in groups)
        for r, group in enumerate(groups):
            there, after = at_risk(group, time), survival(group, time)
            before = survival(group, time - 1)
            ratio = (1 - common[place + 1]) / after if after else Fraction(0)
            others = _events(group, time, "any") - _events(group, time, outcome)
            weight = other_weight = Fraction(0)
            if there and n:
                spread = sum(sizes[place]) * before - 1
                tied = max(Fraction(0), 1 - (n - 1) / spread) if n > 1 else Fraction(1)
                weight = tied * (common[place + 1] - common[place]) / sizes[place][r]
            if after and others:
                tied = 1 - Fraction(others - 1, there - 1) if others > 1 else Fraction(1)
                other_weight = tied * others * (before / there) ** 2
            effects = [
                (now(place, k, r) + (1 - ratio) * later(place, k, r), ratio * later(place, k, r))
                for k in range(last)
            ]
            for k in range(last):
                for j in range(last):
                    covariances[k][j] += weight * effects[k][0] * effects[j][0]
                    covariances[k][j] += other_weight * effects[k][1] * effects[j][1]
    return scores[:last], covariances


def chi_square_tail(x: float, degrees: int) -> float:
    """The area under the density above `x` (> 0), by Simpson's rule."""

    def density(value: float) -> float:
        half = degrees / 2
        return value ** (half - 1) * math.exp(-value / 2) / 2**half / math.gamma(half)

    n, width = 20_000, 200 / 20_000
    inner = sum((4 if i % 2 else 2) * density(x + i * width) for i in range(1, n))
    return (density(x) + inner + density(x + 200)) * width / 3


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in the order given: each as the last one rejected."""
    found: list[float] = []
    for p in p_values:
        not_above = [q for q in p_values if q <= p]
        found.append(
            min(1.0, max(q * (len(p_values) - sum(s < q for s in p_values)) for q in not_above))
        )
    return found


def determinant(matrix: Matrix) -> Fraction:
    """By its definition: the sum over all ways to take one number of each row and column."""
    total = Fraction(0)
    for order in permutations(range(len(matrix))):
        swaps = sum(order[i] > order[j] for j in range(len(order)) for i in range(j))
        product = Fraction((-1) ** swaps)
        for row, place in enumerate(order):
            product *= matrix[row][place]
        total += product
    return total


def _events(group: Sequence[Watched], time: int, outcome: str) -> int:
    return sum(
        w.ms == time and w.outcome is not None and outcome in (w.outcome, "any") for w in group
    )
