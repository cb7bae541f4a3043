"""Logistic regression with a ridge penalty, which cross-validation chooses.

The loss is that of processes held out. To judge the model, the penalty is chosen again without the
fold that is held out: else it would have seen the answers (Varma and Simon 2006).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from transforms.models.design import FOLDS, Design
from transforms.models.extra import require

PENALTIES = tuple(10 ** (power / 2) for power in range(-8, 3))
"""Of the mean loss per process; coefficients are those of standardised columns."""


@dataclass(frozen=True)
class Proof:
    """The chosen penalty, and mean losses per process in folds that were held out.

    `gain_error` is the standard error, over processes, of the gain over the baseline.
    """

    penalty: float
    loss: float
    baseline: float
    auc: float
    gain_error: float


@dataclass(frozen=True)
class Fit:
    """By level: the logarithm of the odds ratio against the other levels of its attribute, which
    are weighted by their frequency, and the mean predicted share if all processes had the level.
    """

    contrasts: list[float]
    adjusted_shares: list[float]


def cross_validated(design: Design) -> Proof:
    """The penalty with the least loss, and how well models with such a penalty predict."""
    numpy, metrics = require("numpy"), require("sklearn.metrics")
    counts = design.counts

    @cache
    def predicted(left_out: frozenset[int], penalty: float) -> Any:
        return _predicted(design, _without(counts, left_out), penalty)

    def chosen(outside: frozenset[int]) -> float:
        """The penalty with the least loss over the folds that are not `outside`."""
        inside = [fold for fold in range(FOLDS) if fold not in outside]
        losses = {
            penalty: sum(
                float(_losses(counts[fold], predicted(outside | {fold}, penalty)).sum())
                for fold in inside
            )
            for penalty in PENALTIES
        }
        # Of equal losses that with the stronger penalty.
        return min(reversed(PENALTIES), key=lambda penalty: round(losses[penalty], 9))

    loss = baseline = squares = 0.0
    areas: list[float] = []
    fates = numpy.array([[0, 1]]).repeat(len(design.patterns), axis=0).reshape(-1)
    for fold in range(FOLDS):
        held_out, rest = frozenset([fold]), _without(counts, {fold})
        model = predicted(held_out, chosen(held_out))
        share = rest[:, 1].sum() / rest.sum()
        gains = numpy.log(_chances(model)) - numpy.log(_chances(numpy.full_like(model, share)))
        loss += float(_losses(counts[fold], model).sum())
        baseline += float(_losses(counts[fold], numpy.full_like(model, share)).sum())
        squares += float((counts[fold] * gains**2).sum())
        weights = counts[fold].reshape(-1)
        areas.append(float(metrics.roc_auc_score(fates, model.repeat(2), sample_weight=weights)))
    n = float(counts.sum())
    gain = (baseline - loss) / n
    return Proof(
        penalty=chosen(frozenset()),
        loss=loss / n,
        baseline=baseline / n,
        auc=sum(areas) / FOLDS,
        gain_error=max(squares / n - gain**2, 0.0) ** 0.5 / n**0.5,
    )


def fitted(design: Design, penalty: float) -> Fit:
    """The model of all processes with one penalty."""
    numpy = require("numpy")
    counts = design.counts.sum(axis=0)
    model, scale = _model(design, counts, penalty)
    effects = model.coef_[0] / scale
    sizes = counts.sum(axis=1)
    parts = (design.patterns * sizes[:, None]).sum(axis=0) / sizes.sum()
    scores = model.decision_function(_standardised(design, counts)[0])
    attribute_of = numpy.array([level.attribute_no for level in design.levels])
    contrasts: list[float] = []
    shares: list[float] = []
    for place, number in enumerate(attribute_of):
        same = attribute_of == number
        mean = float((parts * effects)[same].sum())
        contrasts.append(float((effects[place] - mean) / (1 - parts[place])))
        own = (design.patterns * effects)[:, same].sum(axis=1)
        chances = 1 / (1 + numpy.exp(-(scores - own + effects[place])))
        shares.append(float((chances * sizes).sum() / sizes.sum()))
    return Fit(contrasts, shares)


def _without(counts: Any, folds: Collection[int]) -> Any:
    return counts[[fold for fold in range(FOLDS) if fold not in folds]].sum(axis=0)


def _predicted(design: Design, counts: Any, penalty: float) -> Any:
    """The chance of converting of each pattern, by a model of the processes in `counts`."""
    model, _ = _model(design, counts, penalty)
    return model.predict_proba(_standardised(design, counts)[0])[:, 1]


def _model(design: Design, counts: Any, penalty: float) -> tuple[Any, Any]:
    """The fitted model, and the scale of each column of dummies."""
    numpy, linear = require("numpy"), require("sklearn.linear_model")
    columns, scale = _standardised(design, counts)
    strength = 1 / (penalty * float(counts.sum()))
    model = linear.LogisticRegression(C=strength, solver="newton-cholesky", max_iter=200, tol=1e-8)
    fates = numpy.zeros(len(columns)), numpy.ones(len(columns))
    model.fit(
        numpy.concatenate([columns, columns]),
        numpy.concatenate(fates),
        sample_weight=numpy.concatenate([counts[:, 0], counts[:, 1]]),
    )
    return model, scale


def _standardised(design: Design, counts: Any) -> tuple[Any, Any]:
    """The columns of dummies with mean 0 and variance 1 over processes, and their scale.

    A level that none or all have here keeps a scale of 1: its column is constant.
    """
    numpy = require("numpy")
    sizes = counts.sum(axis=1)
    parts = (design.patterns * sizes[:, None]).sum(axis=0) / sizes.sum()
    scale = numpy.sqrt(parts * (1 - parts))
    scale = numpy.where(scale > 0, scale, 1.0)
    return (design.patterns - parts) / scale, scale


def _chances(chances: Any) -> Any:
    """By pattern, the chance of not converting and of converting."""
    numpy = require("numpy")
    return numpy.stack([1 - chances, chances], axis=1)


def _losses(counts: Any, chances: Any) -> Any:
    numpy = require("numpy")
    return -(counts * numpy.log(_chances(chances)))
