"""What is used of scikit-learn, with types; the only module that imports it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

if TYPE_CHECKING:

    class BaseEstimator:
        """`sklearn.base.BaseEstimator`: parameters are the constructor's arguments."""

        def __sklearn_tags__(self) -> Any:  # noqa: ANN401
            """What the estimator can do."""
            ...

    class ClassifierMixin:
        """`sklearn.base.ClassifierMixin`: `score` is accuracy."""

    class RegressorMixin:
        """`sklearn.base.RegressorMixin`: `score` is R^2."""
else:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

__all__ = ["BaseEstimator", "ClassifierMixin", "RegressorMixin"]

_exceptions: Any = import_module("sklearn.exceptions")
_selection: Any = import_module("sklearn.model_selection")
_utils: Any = import_module("sklearn.utils")
_targets: Any = import_module("sklearn.utils.multiclass")
_validation: Any = import_module("sklearn.utils.validation")

ConvergenceWarning = cast("type[Warning]", _exceptions.ConvergenceWarning)


def check_is_fitted(estimator: object) -> None:
    """Raise scikit-learn's NotFittedError before `fit`."""
    _validation.check_is_fitted(estimator)


def samples(estimator: object, x: object) -> Array:
    """New samples, checked against those of `fit`; float32, any number of axes."""
    return _validation.validate_data(estimator, x, dtype=np.float32, allow_nd=True, reset=False)


def samples_and_targets(
    estimator: object, x: object, y: object, *, numbers: bool = False
) -> tuple[Array, Array]:
    """Samples as above, and targets: `numbers` of any count, else as they are."""
    options = {"multi_output": True, "y_numeric": True} if numbers else {}
    return _validation.validate_data(estimator, x, y, dtype=np.float32, allow_nd=True, **options)


def labels(y: Array) -> Array:
    """Class labels, (n,); a column is one too, with a warning."""
    _targets.check_classification_targets(y)
    return _validation.column_or_1d(y, warn=True)


def random_state(given: object) -> np.random.RandomState:
    """The generator that a `random_state` stands for."""
    return _utils.check_random_state(given)


def shuffled(order: npt.NDArray[np.int64], random: np.random.RandomState) -> npt.NDArray[np.int64]:
    """Another order, drawn as scikit-learn draws it."""
    return _utils.shuffle(order, random_state=random)


def batches(count: int, size: int) -> Sequence[slice]:
    """Slices of `size` rows; the last one may be shorter."""
    return list(_utils.gen_batches(count, size))


def held_out(
    count: int, share: float, random: np.random.RandomState, stratify: Array | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices to train on and to validate with, of `train_test_split`."""
    train, held = _selection.train_test_split(
        np.arange(count), random_state=random, test_size=share, stratify=stratify
    )
    return train, held
