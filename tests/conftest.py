"""Settings of all tests.

A property draws the same examples in every run, so that a run fails only because of a change.
`--hypothesis-profile=default` draws new ones.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long drawing takes says something of the machine, not of what is tested.
settings.register_profile(
    "same", derandomize=True, suppress_health_check=[HealthCheck.too_slow], deadline=None
)
settings.load_profile("same")

# The folders with the longest tests: begun last, one would run while the other processes are idle.
_FIRST = ("trials", "pipelines", "notebooks")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests; those of a file stay together."""
    items.sort(key=lambda item: _place(item.path))


def _place(path: Path) -> int:
    folder = path.relative_to(Path(__file__).parent).parts[0]
    return _FIRST.index(folder) if folder in _FIRST else len(_FIRST)
