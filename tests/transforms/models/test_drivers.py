"""Attribute values ranked together: known effects of simulated processes are found again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random

import polars as pl
import pytest

from schemas.errors import OperationError
from transforms.models import extra
from transforms.models.drivers import DriverModel, rank_values

Drawn = tuple[Mapping[str, str | None], float]
"""The values of a process, and the logarithm of its odds of converting."""
COLUMNS = {
    "process_id": pl.String,
    "attribute": pl.String,
    "value": pl.String,
    "is_window_over": pl.Boolean,
    "is_finished": pl.Boolean,
}
EFFECTS = {"Event": 1.2, "Website": 0.0, "Cold call": -0.9}


@pytest.fixture(autouse=True)
def _installed() -> None:
    pytest.importorskip("sklearn")


def entries(draw: Callable[[Random], Drawn], n: int, *, seed: int = 1) -> pl.DataFrame:
    random, rows = Random(seed), []
    for number in range(n):
        values, score = draw(random)
        is_finished = random.random() < 1 / (1 + math.exp(-score))
        rows += [
            (f"{number:06}", attribute, value, True, is_finished)
            for attribute, value in values.items()
        ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def confounded(random: Random) -> Drawn:
    """Of events most come from the north; only the source matters, and colours mean nothing."""
    source = random.choice([*EFFECTS])
    is_north = random.random() < (0.85 if source == "Event" else 0.15)
    region = "north" if is_north else "south"
    values = {"source": source, "region": region, "colour": random.choice(("red", "blue"))}
    return values, -1 + EFFECTS[source]


@pytest.fixture(scope="module")
def model() -> DriverModel:
    pytest.importorskip("sklearn")
    return rank_values(entries(confounded, 10_000), funnel="f")


@pytest.fixture
def few_penalties(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of them is chosen does not matter here; each takes a while."""
    monkeypatch.setattr("transforms.models.ridge.PENALTIES", (0.01, 0.1))


def effects_of(model: DriverModel) -> dict[str, tuple[float, float]]:
    """The share of those with a value, and the logarithm of its adjusted odds ratio."""
    return {
        row["value"]: (row["share_converted"], math.log(row["odds_ratio_adjusted"]))
        for row in model.effects.iter_rows(named=True)
    }


def test_known_effects_are_recovered_in_their_order(model: DriverModel) -> None:
    """Against the mean of the other two: 1.2 + 0.45, 0 - 0.15, -0.9 - 0.6."""
    assert model.effects["attribute"].to_list()[:2] == ["source", "source"]
    found = {value: effect for value, (_, effect) in effects_of(model).items()}
    assert found["Event"] == pytest.approx(1.65, abs=0.25)
    assert found["Website"] == pytest.approx(-0.15, abs=0.25)
    assert found["Cold call"] == pytest.approx(-1.5, abs=0.25)
    assert model.is_informative
    assert "predict better than the share alone" in model.verdict
    assert model.loss < model.baseline
    assert model.auc > 0.65


def test_an_attribute_that_only_goes_along_has_a_large_ratio_alone_and_none_adjusted(
    model: DriverModel,
) -> None:
    north, south = (effects_of(model)[value] for value in ("north", "south"))
    alone = math.log(north[0] / (1 - north[0]) * (1 - south[0]) / south[0])
    assert alone > 0.7
    assert abs(north[1]) < 0.2
    assert north[1] == pytest.approx(-south[1], abs=1e-5)


def test_adjusted_shares_are_those_of_all_processes_given_the_value(model: DriverModel) -> None:
    shares = dict(model.effects.select("value", "share_adjusted").iter_rows())
    for value, effect in EFFECTS.items():
        assert shares[value] == pytest.approx(1 / (1 + math.exp(1 - effect)), abs=0.04)
    assert abs(shares["north"] - shares["south"]) < 0.04


def test_noise_has_no_effect_and_alone_it_predicts_nothing(model: DriverModel) -> None:
    assert abs(effects_of(model)["red"][1]) < 0.15
    noise = rank_values(
        entries(lambda random: ({"colour": random.choice("abcdef")}, -1.0), 1500), funnel="f"
    )
    assert all(abs(strength) < 0.05 for strength in noise.effects["strength"])
    assert not noise.is_informative
    assert noise.auc == pytest.approx(0.5, abs=0.06)
    assert "do not read anything into the ranking" in noise.verdict


@pytest.mark.usefixtures("few_penalties")
def test_the_same_rows_in_another_order_give_the_same_model() -> None:
    rows = entries(confounded, 400)
    first, second = (
        rank_values(given, funnel="f") for given in (rows, rows.sample(fraction=1, shuffle=True))
    )
    assert first.effects.equals(second.effects)
    assert {**vars(first), "effects": 0} == {**vars(second), "effects": 0}


@pytest.mark.usefixtures("few_penalties")
def test_rare_values_are_pooled_and_attributes_of_one_value_left_out() -> None:
    def draw(random: Random) -> Drawn:
        rare = f"v{random.randrange(100)}" if random.random() < 0.3 else "usual"
        return {"city": rare, "all_alike": "x", "plan": random.choice([None, "Team"])}, -0.5

    model = rank_values(entries(draw, 300), funnel="f")
    assert model.left_out == ("all_alike",)
    found = {(row["attribute"], row["value"]): row for row in model.effects.iter_rows(named=True)}
    pooled = found["city", None]
    assert pooled["n_pooled"] > 20
    assert pooled["processes"] + found["city", "usual"]["processes"] == 300
    assert found["plan", None]["n_pooled"] == 0
    assert model.processes == 300


@pytest.mark.usefixtures("few_penalties")
def test_processes_whose_window_is_not_over_are_counted_apart() -> None:
    rows = entries(confounded, 400)
    late = rows["process_id"] >= "000300"
    model = rank_values(rows.with_columns(is_window_over=~late), funnel="f")
    assert (model.processes, model.waiting) == (300, 100)
    assert model.converted == int(rows.filter(~late).unique("process_id")["is_finished"].sum())


def test_a_model_of_two_values_is_the_ridge_regression_of_the_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a weak penalty the odds ratio is that of the four counts: (30 / 10) / (20 / 40)."""
    monkeypatch.setattr("transforms.models.ridge.PENALTIES", (1e-9,))
    counts = {("a", True): 30, ("a", False): 10, ("b", True): 20, ("b", False): 40}
    fates = [fate for fate, n in counts.items() for _ in range(n)]
    rows = [(f"{i:03}", "x", value, True, done) for i, (value, done) in enumerate(fates)]
    model = rank_values(pl.DataFrame(rows, schema=COLUMNS, orient="row"), funnel="f")
    (first, second) = model.effects.sort("value").iter_rows(named=True)
    assert first["odds_ratio_adjusted"] == pytest.approx(6, abs=1e-4)
    assert second["odds_ratio_adjusted"] == pytest.approx(1 / 6, abs=1e-4)
    assert first["share_adjusted"] == pytest.approx(0.75, abs=1e-5)
    assert first["strength"] == pytest.approx(math.log(6) * math.sqrt(0.4 * 0.6), abs=1e-5)


@pytest.mark.parametrize(
    ("n", "score", "message"),
    [
        (100, -3.5, "f: of 100 processes whose window is over"),
        (0, 0.0, "f: of 0 processes whose window is over 0 converted and 0 did not"),
    ],
)
def test_too_few_conversions_are_refused_with_the_rule_and_the_numbers(
    n: int, score: float, message: str
) -> None:
    with pytest.raises(OperationError) as raised:
        rank_values(entries(lambda random: ({"x": random.choice("ab")}, score), n), funnel="f")
    assert message in str(raised.value)
    assert "A model needs at least 30 of each" in str(raised.value)


def test_one_value_everywhere_is_refused() -> None:
    with pytest.raises(OperationError, match="no attribute has two values of 20 processes"):
        rank_values(entries(lambda _: ({"x": "a"}, 0.0), 200), funnel="f")


def test_without_the_extra_the_error_says_how_to_install_it() -> None:
    with pytest.raises(OperationError) as raised:
        extra.require("sklearn_that_is_missing")
    assert "leadtime[models]" in str(raised.value)
