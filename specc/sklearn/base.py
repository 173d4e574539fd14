"""What classifiers and regressors share: a spec in, a trained model kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.errors import DataError
from specc.history import History
from specc.model import Model
from specc.session import Device
from specc.sklearn import learn
from specc.sklearn.dividing import divided
from specc.sklearn.fitted import Fitted
from specc.sklearn.learn import BaseEstimator
from specc.spec.model import Spec
from specc.spec.reader import load, loads

Array = npt.NDArray[Any]
SpecLike = Spec | str | Path | None
# Without a spec: one hidden layer, as wide as MLPClassifier's, and passes until a few hundred
# samples are learned.
HIDDEN, EPOCHS, BATCH = 100, 50, 32
WITHOUT_SPEC = """
specc: 1
name: {name}
inputs: {{x: [{features}]}}
layers:
  - dense: {{units: {hidden}, activation: relu}}
  - dense: {{units: {units}, activation: {activation}}}
train: {{loss: {loss}, optimizer: adam, epochs: {epochs}, batch_size: {batch}}}
"""


class SpecEstimator(BaseEstimator):
    """A spec as an estimator.

    Parameters:
        spec: a file, or what `specc.load` returns; None makes a network of one hidden layer of 100
            that fits the data. Rows of the data are brought into the shape of the spec's input.
        epochs, batch_size, validation_fraction: instead of the spec's `epochs`, `batch_size` and
            `validation_split` of `train:`. Without both, `data.split` says which rows validate:
            `random`, `stratified`, or `group` with the `groups` of `fit`; its share for the test is
            trained on, as the test of an estimator is its user's. `data.balance` holds too.
        random_state: decides everything random; None takes the spec's `train.seed`, so that two
            fits are equal.
        target: how training graphs are lowered: `cpu`, `portable` or `cuda`.
        device: where they run.
        verbose: whether training shows its progress.

    Attributes:
        model_: the trained `specc.Model`.
        history_: losses and metrics of every epoch.
        n_iter_: number of epochs.
        n_features_in_: elements of one sample.
    """

    fitted_: Fitted

    def __init__(
        self,
        spec: SpecLike = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        validation_fraction: float | None = None,
        random_state: object = None,
        target: str = "cpu",
        device: Device = "cpu",
        verbose: bool = False,
    ) -> None:
        self.spec = spec
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.target = target
        self.device: Device = device
        self.verbose = verbose

    @property
    def model_(self) -> Model:
        """The trained model."""
        learn.check_is_fitted(self)
        return self.fitted_.model

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` was called."""
        return hasattr(self, "fitted_")

    def _spec(self, features: int, units: int, activation: str, loss: str) -> Spec:
        """The spec that was given, or one that fits the data.

        Raises:
            DataError: it has several inputs, or no loss.
        """
        if self.spec is None:
            text = WITHOUT_SPEC.format(
                name=type(self).__name__, features=features, hidden=HIDDEN, units=units,
                activation=activation, loss=loss, epochs=EPOCHS, batch=BATCH,
            )  # fmt: skip
            return loads(text)
        spec = self.spec if isinstance(self.spec, Spec) else load(self.spec)
        where = spec.file or spec.name
        if len(spec.model.inputs) != 1:
            raise DataError(
                f"{where}: expected one input, found {len(spec.model.inputs)};"
                " use specc.Model, which takes several"
            )
        if spec.train is None or spec.train.loss is None:
            raise DataError(f"{where}: expected a `train:` section with a loss, found none")
        return spec

    def _train(self, spec: Spec, x: Array, y: Array, groups: object) -> None:
        """Fit a new model.

        Raises:
            DataError: the data section asks for what arrays do not tell.
        """
        settings = spec.train
        if settings is None:
            raise DataError(f"{spec.name}: expected a `train:` section, found none")
        seed = None
        if self.random_state is not None:
            seed = learn.random_state(self.random_state).randint(np.iinfo(np.int32).max)
        model = Model(spec, self.target, self.device, seed)
        held = settings.validation_split if self.validation_fraction is None else None
        rows = _shaped(model, x)
        rows, y, validation = divided(spec, rows, y, groups, validates=held == 0)
        self.history_: History = model.fit(
            rows,
            y,
            batch_size=self.batch_size or settings.batch_size,
            epochs=settings.epochs if self.epochs is None else self.epochs,
            validation_data=validation,
            validation_split=self.validation_fraction or held or 0.0,
            validation_freq=settings.validation_freq,
            shuffle=settings.shuffle,
            class_weight=settings.class_weight,
            verbose="auto" if self.verbose else 0,
            callbacks=settings.callbacks,
            steps_per_epoch=settings.steps_per_epoch,
        )
        self.n_iter_ = len(self.history_.epoch)
        self.fitted_ = Fitted.of(model, self.target)

    def _outputs(self, x: object) -> Array:
        """The model's output for new samples."""
        learn.check_is_fitted(self)
        rows = learn.samples(self, x)
        return self.fitted_.predict(_shaped(self.fitted_.model, rows))


def _shaped(model: Model, x: Array) -> Array:
    """Samples in the shape of the model's input, when they have as many elements.

    Raises:
        DataError: they have not.
    """
    (wanted,) = (entry.layer.shape for entry in model.spec.model.inputs)
    sizes = [size for size in wanted if size is not None]
    if x.shape[1:] == wanted or len(sizes) < len(wanted):
        return x
    if math.prod(x.shape[1:]) != math.prod(sizes):
        raise DataError(
            f"{model.spec.file or model.spec.name}: expected samples of {math.prod(sizes)} elements"
            f" {wanted}, received {math.prod(x.shape[1:])} {x.shape[1:]}"
        )
    return x.reshape(len(x), *sizes)
