"""The page about formulas says what the language does."""

from schemas.formulas.library import FUNCTIONS, GROUPS
from schemas.formulas.reference import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "uv run python -m schemas.formulas.reference"


def test_every_function_is_on_the_page_once() -> None:
    assert len(FUNCTIONS) == sum(len(group) for group in GROUPS.values())
    for name in FUNCTIONS:
        assert page().count(f"\n| `{name}(") == 1
