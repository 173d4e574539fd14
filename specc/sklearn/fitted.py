"""A fitted model inside an estimator: small, and itself when copied, pickled or sent to a worker.

What is kept is the spec as text and the weights; the session is made when it is first needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from specc.model import Model
from specc.session import Device
from specc.spec.reader import loads
from specc.spec.write import dump

Array = npt.NDArray[Any]
# Predictions are made in batches of one size, so that a row's do not depend on its neighbours.
ROWS = 256


@dataclass(slots=True)
class Fitted:
    """A spec with weights.

    Attributes:
        text: the spec.
        weights: by name.
    """

    text: str
    weights: dict[str, Array]
    target: str = "cpu"
    device: Device = "cpu"
    _model: Model | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, model: Model, target: str) -> Fitted:
        """Of a model as it stands; training it further changes nothing here."""
        return cls(dump(model.spec), model.weights, target, model.device, model)

    @property
    def model(self) -> Model:
        """The model, with these weights."""
        if self._model is None:
            self._model = Model(loads(self.text), self.target, self.device)
            self._model.set_weights(self.weights)
        return self._model

    def predict(self, x: Array) -> Array:
        """The first output on rows of any number, float64."""
        count = len(x)
        short = -count % ROWS
        padded = np.concatenate([x, np.zeros((short, *x.shape[1:]), x.dtype)]) if short else x
        found = self.model.predict(padded, batch_size=ROWS)
        first = found[0] if isinstance(found, list) else found
        return first[:count].astype(np.float64)

    @override
    def __reduce__(self) -> tuple[type[Fitted], tuple[object, ...]]:
        return Fitted, (self.text, self.weights, self.target, self.device)
