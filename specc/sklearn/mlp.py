"""`SpecMLPClassifier`: scikit-learn's MLPClassifier as a spec."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from specc.compiler.bundle import bundle
from specc.compiler.compiler import Compiler
from specc.engine import Engine
from specc.errors import DataError
from specc.feeding import samples
from specc.sklearn import learn
from specc.sklearn.classifying import Classifying
from specc.sklearn.fitted import Fitted
from specc.sklearn.mlp_training import Curve, MlpLoop, Rate, initial_weights
from specc.spec.model import Spec
from specc.spec.reader import loads
from specc.spec.write import dump
from specc.terminal import make_progress

if TYPE_CHECKING:
    from typing import Self

Array = npt.NDArray[Any]
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


class SpecMLPClassifier(Classifying):
    """scikit-learn's MLPClassifier, trained by a compiled graph in float32.

    The parameters are MLPClassifier's, with its defaults. With the same `random_state` weights,
    batches and validation samples are the same, and so are the losses but for rounding.

    The solver `lbfgs` and targets with several labels are errors; `max_fun`, which belongs to
    `lbfgs`, is only there to be passed on.

    Attributes:
        loss_curve_, loss_, best_loss_: of every epoch, the last one, the least.
        validation_scores_, best_validation_score_: accuracies, with early stopping.
        coefs_, intercepts_: the weights.
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Rate = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: object = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size: int | Literal["auto"] = batch_size
        self.learning_rate: Rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    def fit(self, X: object, y: object) -> Self:  # noqa: N803  scikit-learn's name
        """Train on samples (n, features) and their labels.

        Raises:
            ValueError: scikit-learn's, for what is no data; classes that `warm_start` does not
                know.
            DataError: a parameter that is not supported.
        """
        x, given = learn.samples_and_targets(self, X, y)
        continues = self.warm_start and hasattr(self, "fitted_")
        classes, ids = np.unique(learn.labels(given), return_inverse=True)
        if continues and list(classes) != list(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous"
                f" call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        self.classes_ = classes
        random = learn.random_state(self.random_state)
        sizes = self._sizes(x.shape[1])
        spec = self._mlp_spec(sizes)
        engine = self._engine(spec, sizes, random, continues=continues)
        if not continues:
            self._curve = Curve()
        data = samples(engine.bundle, x, ids[:, np.newaxis] if sizes[-1] == 1 else ids)
        loop = self._loop(engine, random, ids if len(classes) <= 2 else None)  # noqa: PLR2004
        loop.run(data)
        self.n_iter_ = loop.epochs
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.out_activation_ = "logistic" if sizes[-1] == 1 else "softmax"
        weights = engine.weights()
        if not all(np.isfinite(w).all() for w in weights.values()):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large"
                " values and need to be preprocessed."
            )
        self.fitted_ = Fitted(dump(spec), weights)
        return self

    def _sizes(self, features: int) -> list[int]:
        """Units of every layer, the input's first; two classes share one output."""
        hidden = self.hidden_layer_sizes
        given = [hidden] if isinstance(hidden, int | np.integer) else list(hidden)
        if any(size <= 0 for size in given):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {given}.")
        outputs = len(self.classes_)
        return [features, *map(int, given), outputs if outputs > 2 else 1]  # noqa: PLR2004

    def _mlp_spec(self, sizes: Sequence[int]) -> Spec:
        """The network with its loss and update rule.

        Raises:
            DataError: a parameter that is not supported.
        """
        if self.activation not in ACTIVATIONS:
            raise DataError(
                f"activation: expected one of {', '.join(ACTIVATIONS)}, received"
                f" {self.activation!r}"
            )
        rate, softmax = float(self.learning_rate_init), sizes[-1] > 1
        rules = {
            "adam": f"{{adam: {{learning_rate: {rate!r}, beta_1: {float(self.beta_1)!r},"
            f" beta_2: {float(self.beta_2)!r}, epsilon: {float(self.epsilon)!r}}}}}",
            "sgd": f"{{sgd: {{learning_rate: {rate!r}, momentum: {float(self.momentum)!r},"
            f" nesterov: {str(self.nesterovs_momentum and self.momentum > 0).lower()}}}}}",
        }
        if self.solver not in rules:
            raise DataError(
                f"solver: expected adam or sgd, received {self.solver!r}; use scikit-learn's own"
                " MLPClassifier for lbfgs"
            )
        penalty = f"{{l2_per_sample: {float(self.alpha) / 2!r}}}"
        activations = [ACTIVATIONS[self.activation]] * (len(sizes) - 2)
        activations.append("softmax" if softmax else "sigmoid")
        rows = [
            f"  - dense: {{units: {units}, activation: {name}, kernel_regularizer: {penalty}}}"
            for units, name in zip(sizes[1:], activations, strict=True)
        ]
        loss = "sparse_categorical_crossentropy" if softmax else "binary_crossentropy"
        metrics = "[accuracy]" if self.early_stopping else "[]"
        lines = [
            "specc: 1",
            "name: mlp_classifier",
            f"inputs: {{x: [{sizes[0]}]}}",
            "layers:",
            *rows,
            f"train: {{loss: {loss}, optimizer: {rules[self.solver]}, metrics: {metrics}}}",
        ]
        return loads("\n".join(lines))

    def _engine(
        self,
        spec: Spec,
        sizes: Sequence[int],
        random: np.random.RandomState,
        *,
        continues: bool,
    ) -> Engine:
        """The compiled step with the weights to start from."""
        made = bundle(Compiler.of(spec, "cpu"))
        if continues:
            weights = made.check_weights(self.fitted_.weights)
        else:
            first = initial_weights(sizes, self.activation, random)
            names = [w.name for w in made.weights]
            weights = made.check_weights(dict(zip(names, first, strict=True)))
        return Engine(made, made.initial_state(weights) | weights)

    def _loop(self, engine: Engine, random: np.random.RandomState, labels: Array | None) -> MlpLoop:
        display = make_progress(sys.stderr, not self.verbose)
        return MlpLoop(
            engine, random, self._curve, self.batch_size, self.learning_rate,
            float(self.learning_rate_init), self.power_t, self.solver == "sgd", self.max_iter,
            self.shuffle, self.tol, self.n_iter_no_change, self.early_stopping,
            self.validation_fraction,
            labels, display.note,
        )  # fmt: skip

    @property
    def loss_curve_(self) -> list[float]:
        """The loss of every epoch."""
        return self._curve.losses

    @property
    def loss_(self) -> float:
        """The loss of the last epoch."""
        return self._curve.losses[-1]

    @property
    def best_loss_(self) -> float | None:
        """The least loss; None with early stopping."""
        return None if self.early_stopping else self._curve.best_loss

    @property
    def validation_scores_(self) -> list[float] | None:
        """The accuracy of every epoch on the validation samples; None without early stopping."""
        return self._curve.scores if self.early_stopping else None

    @property
    def best_validation_score_(self) -> float | None:
        """The highest of them."""
        return self._curve.best_score if self.early_stopping else None

    @property
    def coefs_(self) -> list[Array]:
        """The kernel of every layer."""
        return list(self.fitted_.weights.values())[::2]

    @property
    def intercepts_(self) -> list[Array]:
        """The bias of every layer."""
        return list(self.fitted_.weights.values())[1::2]
