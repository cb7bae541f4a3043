"""How much the trials of `tests/trials` do: a little in every run of the tests, more by night."""

from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Scale:
    """The counts of all trials.

    `named_kills` is the most points of a run at which one is killed: all of them where it is
    larger than their number. `images_per_run` are the copies of the data folder in one run.
    """

    named_kills: int
    random_kills: int
    crash_runs: int
    images_per_run: int
    histories: int
    mutated_lines: int
    publications: int


SMALL = Scale(
    named_kills=1,
    random_kills=1,
    crash_runs=1,
    images_per_run=2,
    histories=1,
    mutated_lines=500,
    publications=2,
)
NIGHTLY = Scale(
    named_kills=10_000,
    random_kills=25,
    crash_runs=25,
    images_per_run=6,
    histories=500,
    mutated_lines=30_000,
    publications=15,
)

at_each_scale = pytest.mark.parametrize(
    "scale",
    [
        pytest.param(SMALL, id="small"),
        pytest.param(NIGHTLY, id="nightly", marks=pytest.mark.nightly),
    ],
)
"""A test at both scales: the small one always, the other with `-m nightly`."""
