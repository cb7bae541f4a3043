"""Ages in calendar units."""

from datetime import UTC, datetime

import pytest

from schemas.definitions.age import Age

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("1d", datetime(2024, 2, 28, 12, tzinfo=UTC)),
        ("8w", datetime(2024, 1, 4, 12, tzinfo=UTC)),
        ("2mo", datetime(2023, 12, 29, 12, tzinfo=UTC)),
        ("1y", datetime(2023, 2, 28, 12, tzinfo=UTC)),
        ("4y", datetime(2020, 2, 29, 12, tzinfo=UTC)),
        ("14mo", datetime(2022, 12, 29, 12, tzinfo=UTC)),
        ("100y", datetime(1924, 2, 29, 12, tzinfo=UTC)),
    ],
)
def test_an_age_lies_before_an_instant(text: str, before: datetime) -> None:
    age = Age.parse(text)
    assert age.before(NOON) == before
    assert str(age) == text


@pytest.mark.parametrize("text", ["", "3", "0d", "03d", "3 years", "30m", "101y", "-1d", "99999d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an age: a whole number and one of d, w, mo, y"):
        Age.parse(text)
