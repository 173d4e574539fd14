"""Predictions of classifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from specc.sklearn.base import SpecEstimator
from specc.sklearn.learn import ClassifierMixin

Array = npt.NDArray[Any]


class Classifying(ClassifierMixin, SpecEstimator):
    """From the outputs of a model to labels.

    Attributes:
        classes_: the labels, sorted; the model's outputs are in their order.
    """

    classes_: Array

    def predict_proba(self, X: object) -> Array:  # noqa: N803  scikit-learn's name
        """The probability of each class, (n, classes)."""
        found = self._outputs(X)
        found = found.reshape(len(found), -1)
        count = len(self.classes_)
        if count == 1:
            return np.ones((len(found), 1))
        return np.hstack([1.0 - found, found]) if found.shape[1] == 1 else found

    def predict(self, X: object) -> Array:  # noqa: N803
        """The likeliest label of each sample."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]
