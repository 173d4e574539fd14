"""`SpecClassifier` and `SpecRegressor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from specc.errors import DataError
from specc.network import build
from specc.sklearn import learn
from specc.sklearn.base import SpecEstimator
from specc.sklearn.classifying import Classifying
from specc.sklearn.learn import RegressorMixin
from specc.sklearn.mlp import SpecMLPClassifier
from specc.spec.model import Spec

if TYPE_CHECKING:
    from typing import Self

Array = npt.NDArray[Any]


class SpecClassifier(Classifying):
    """A spec that tells classes apart: its output has one probability for each class.

    An output of one unit, for two classes, is the probability of the second.
    """

    def fit(self, X: object, y: object, groups: object = None) -> Self:  # noqa: N803  scikit-learn's name
        """Train on samples and their labels.

        Args:
            X: samples.
            y: labels.
            groups: the group of each row, (n,), for a spec with `split: {group: ...}`.

        Raises:
            ValueError: scikit-learn's, for what is no data.
            DataError: the spec does not fit the data.
        """
        x, given = learn.samples_and_targets(self, X, y)
        self.classes_, ids = np.unique(learn.labels(given), return_inverse=True)
        # A softmax over one class is constant; a second output, never right, keeps it a network.
        units = max(2, len(self.classes_))
        spec = self._spec(x[0].size, units, "softmax", "sparse_categorical_crossentropy")
        self._check_units(spec)
        self._train(spec, x, ids, groups)
        return self

    def _check_units(self, spec: Spec) -> None:
        """Refuse a spec whose output is not one unit for each class."""
        width, count = build(spec).outputs[0].shape[-1], len(self.classes_)
        if width != max(2, count) and not (width == 1 and count <= 2):  # noqa: PLR2004
            raise DataError(
                f"{spec.file or spec.name}: expected an output of {count} units, one for each"
                f" class, found {width}; change the last layer"
            )

    @classmethod
    def mlp(cls, *arguments: Any, **parameters: Any) -> SpecMLPClassifier:
        """scikit-learn's MLPClassifier as a spec: its parameters, and its losses step by step.

        `hidden_layer_sizes`, `activation`, `solver` (adam or sgd), `alpha`, `learning_rate`,
        `early_stopping` and all others; see `SpecMLPClassifier`.
        """
        return SpecMLPClassifier(*arguments, **parameters)


class SpecRegressor(RegressorMixin, SpecEstimator):
    """A spec that predicts numbers, one or several for each sample."""

    def fit(self, X: object, y: object, groups: object = None) -> Self:  # noqa: N803  scikit-learn's name
        """Train on samples and the numbers to predict, (n,) or (n, outputs).

        Args:
            X: samples.
            y: numbers.
            groups: the group of each row, (n,), for a spec with `split: {group: ...}`.

        Raises:
            ValueError: scikit-learn's, for what is no data.
            DataError: the spec does not fit the data.
        """
        x, given = learn.samples_and_targets(self, X, y, numbers=True)
        targets = np.asarray(given, np.float32)
        self.n_outputs_ = int(targets[0].size)
        self._flat = targets.ndim == 1
        spec = self._spec(x[0].size, self.n_outputs_, "linear", "mean_squared_error")
        self._train(spec, x, targets.reshape(len(targets), -1), groups)
        return self

    def predict(self, X: object) -> Array:  # noqa: N803
        """Predicted numbers, in the shape of the `y` that was given to `fit`."""
        found = self._outputs(X)
        return found.reshape(len(found)) if self._flat else found

    @override
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
