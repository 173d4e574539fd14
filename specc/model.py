"""`Model`: a spec with weights, that predicts, trains and differentiates. Keras' verbs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc import feeding
from specc.arguments import is_whole
from specc.checkpoint import load as load_state
from specc.checkpoint import save as save_state
from specc.compiler.bundle import Bundle
from specc.data.batches import Batches, Shuffle
from specc.data.rows import whole
from specc.data.source import Samples
from specc.engine import Engine, Logs
from specc.errors import DataError, RunError, SpecError
from specc.feeding import Given
from specc.files import replace
from specc.fit import (
    Frequency,
    Loop,
    Weighted,
    batch_feeds,
    check_frequency,
    check_loop,
    common_batch,
    held_out,
    ones,
    unwatched,
)
from specc.given import begun, evaluated, predicted, stream, take_lengths, validation, weighted
from specc.history import History
from specc.observers import Given as Callback
from specc.observers import Observed, given_callbacks
from specc.progress import Progress
from specc.session import Device, check_device
from specc.spec.model import Spec, check_spec
from specc.spec.train import MAX_SEED
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.versions import Versions
from specc.vjp import Vjp, pull_back

Array: TypeAlias = npt.NDArray[Any]
Verbose: TypeAlias = Literal["auto", 0, 1, 2] | bool
Arrays: TypeAlias = Array | list[Array]
SPEC_FILE, STATE_FILE = "spec.yaml", "state.safetensors"


class Model:
    """A compiled spec with its weights.

    Args:
        spec: from `specc.load` or `specc.from_keras`.
        target: how training graphs are lowered: `cpu`, `portable` or `cuda`.
        device: where they run.
        seed: decides initial weights, shuffling and dropout; the spec's `train.seed` when None.
        threads: of onnxruntime; all processors that this process may use when None.
        costs: what target `cpu` chooses lowerings by, of `specc.calibrated_costs`; fixed defaults
            when None.
        internal: of `specc.internal_ops`: steps of `train.batch_size` samples may use internal
            operators of this onnxruntime (target `cpu`); none when None.

    Raises:
        SpecError, CompileError: the spec does not resolve or compile.
        RuntimeSetupError: the device is not there.
    """

    def __init__(
        self,
        spec: Spec,
        target: str = "cpu",
        device: Device = "cpu",
        seed: int | None = None,
        threads: int | None = None,
        costs: KernelCosts | None = None,
        internal: InternalOps | None = None,
    ) -> None:
        check_device(device, threads)
        check_spec(spec)
        if seed is not None and not (is_whole(seed) and 0 <= seed <= MAX_SEED):
            raise SpecError(f"seed: expected a number from 0 to {MAX_SEED}, received {seed!r}")
        if seed is not None and spec.train is not None:
            train = spec.train.model_copy(update={"seed": seed})
            spec = Spec(spec.model, spec.models, train, spec.data, spec.version, spec.file)
        self.spec = spec
        self.seed = spec.train.seed if spec.train is not None else (seed or 0)
        self.device: Device = device
        self.threads = threads
        self._versions = Versions(
            spec, target, device, self.seed, threads, costs, internal
        )  # fmt: skip
        self.stop_training = False
        self._epochs = 0

    @property
    def _bundle(self) -> Bundle:
        return self._versions.now.bundle

    @property
    def _engine(self) -> Engine:
        return self._versions.now.engine

    @property
    def weights(self) -> dict[str, Array]:
        """All weights by unique name, ordered and shaped as Keras' `model.weights`."""
        return {name: array.copy() for name, array in self._engine.weights().items()}

    def set_weights(self, arrays: Sequence[npt.ArrayLike] | Mapping[str, npt.ArrayLike]) -> None:
        """Replace all weights: a list in the order of `weights`, or a mapping by name.

        Before the first step, slots that start as copies of weights start again from these.

        Raises:
            RunError: a weight is missing, unknown, or of another shape.
        """
        if isinstance(arrays, Mapping):
            given = {name: np.asarray(a) for name, a in arrays.items()}
        else:
            names = [w.name for w in self._bundle.weights]
            if len(arrays) != len(names):
                raise RunError(f"weights: expected {len(names)} arrays, received {len(arrays)}")
            given = {n: np.asarray(a) for n, a in zip(names, arrays, strict=True)}
        checked = self._bundle.check_weights(given)
        named = dict(self._engine.state())
        if self._versions.is_new:
            first = self._bundle.initial_state(checked)
            named |= {name: first[name] for name in first if name not in self._bundle.carried}
        self._versions.replace(named | checked)

    def reset_states(self) -> None:
        """Let stateful layers begin with zeros again, like `reset_states()` of Keras' layers."""
        self._engine.reset_states()

    def predict(
        self,
        x: Given | Iterable[Any],
        batch_size: int | None = None,
        verbose: Verbose = 0,
        steps: int | None = None,
    ) -> Arrays:
        """The model's outputs on x: an array, or a list when there are several.

        x may be an iterable of batches, x or (x, ...), of which `steps` are taken, or all.

        Without `batch_size` a batch has 32 samples, or as many as the inputs' `batch` says.
        Stateful layers go on from the batch before, here as in training and evaluation.

        Raises:
            DataError: x does not fit the inputs.
        """
        del verbose
        found = predicted(self.predict, x, steps, self._versions.ranks)
        if found is not None:
            return found
        x = cast("Given", x)
        with self._versions.aside():
            take_lengths(self._versions, x)
            arrays = feeding.inputs(self._bundle.inputs, x)
            predictor = self._versions.predictor()
            size = feeding.rows_in_batch(self._bundle, "predict", len(arrays[0]), batch_size)
            if len(arrays[0]) <= size:
                # Nothing is to be cut: one sample at a time is asked for often, and detours cost.
                given = [tuple(map(whole, arrays))]
            else:
                batches = Batches(Samples(arrays, ()), size, shuffle=False)
                given = (b.samples.x for b in batches.produce(0))
            names = [p.name for p in self._bundle.inputs]
            fed = (dict(zip(names, xs, strict=True)) for xs in given)
            outputs = list(self._engine.predict(predictor, fed).values())
            return outputs[0] if len(outputs) == 1 else outputs

    def vjp(
        self,
        inputs: Sequence[npt.ArrayLike],
        cotangents: Sequence[npt.ArrayLike | None],
        training: bool = False,
    ) -> Vjp:
        """Outputs, and gradients of sum(cotangent . output); the model does not change.

        Args:
            inputs: arrays, batch first.
            cotangents: one for each output, of its shape; None where the output is not floating, or
                stands for zeros.
            training: whether layers act as in training.

        Raises:
            DataError: the arrays do not fit.
            MissingRuleError: a layer's ops have no gradient rule.
        """
        with self._versions.aside():
            take_lengths(self._versions, list(inputs))
            return pull_back(
                self._versions.now, self._versions.vjp(training=training), inputs, cotangents
            )

    def train_on_batch(
        self,
        x: Given,
        y: Given,
        sample_weight: Given | None = None,
        class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
    ) -> Logs:
        """One step; loss (penalties included) and metrics of this batch, from before the update.

        Raises:
            DataError: the arrays do not fit.
            RunError: the spec has no `train:` section with a loss.
        """
        data = weighted(self._versions, "train_on_batch", x, y, sample_weight, class_weight)
        self._engine.reset_metrics()
        self._engine.step(feeding.feeds(self._bundle, data.samples.take(slice(None)), data.weights))
        self._versions.revision += 1
        return self._engine.logs()

    def fit(
        self,
        x: Given | Iterable[Any],
        y: Given | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        validation_data: Sequence[Any] | Iterable[Any] | None = None,
        validation_split: float = 0.0,
        shuffle: Shuffle = True,
        class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
        sample_weight: Given | None = None,
        initial_epoch: int = 0,
        verbose: Verbose = "auto",
        callbacks: Sequence[Callback] | Callback | None = (),
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_freq: Frequency = 1,
    ) -> History:
        """Train for epochs `initial_epoch` to `epochs` - 1; a second call continues.

        `validation_data` is (x, y) or (x, y, sample weights), or an iterable of such batches, of
        which `validation_steps` are taken, or all; without it the last `validation_split` of the
        samples validates. Every `validation_freq`-th epoch validates, or those listed, from 1.
        Without y, x is an iterable of batches (x, y) or (x, y, sample weights), of which an epoch
        takes `steps_per_epoch`. Without `batch_size`
        a batch has 32 samples, or as many as the inputs' `batch` says. `callbacks` are
        members of `specc.callbacks` or objects of `specc.Callback`.

        Raises:
            DataError: the arrays do not fit.
            RunError: the spec has no `train:` section with a loss.
        """
        check_loop(epochs, initial_epoch, shuffle, steps_per_epoch, validation_steps)
        callbacks = given_callbacks(callbacks)
        if y is None:
            if validation_split:
                raise DataError(
                    "validation_split: expected arrays, which can be divided; pass validation_data"
                )
            batches = begun(self._versions, "fit", x, by_class=class_weight is not None)
        else:
            batches = weighted(
                self._versions, "fit", cast("Given", x), y, sample_weight, class_weight
            )
        held = None
        if validation_data is not None:
            held = validation(self._versions, validation_data, validation_steps)
        # Of the version that is at work now: weights that validate may have asked for another.
        rows = (
            batches
            if isinstance(batches, Weighted)
            else stream(self._bundle, batches, steps_per_epoch, class_weight)
        )
        if validation_data is None and isinstance(rows, Weighted):
            rows, held = held_out(rows, validation_split)
            if held is not None and class_weight is not None:
                # As in Keras, classes weigh in training only; balanced are those trained on.
                by_class = feeding.weights(self._bundle, rows.samples.y, None, class_weight)
                rows, held = Weighted(rows.samples, by_class), ones(held.samples)
        parts = {"fit": rows, "validation_data": held}
        size = common_batch(self._bundle, parts, batch_size, steps_per_epoch)
        check_frequency(validation_freq)
        # Every epoch that this model trains has an order of its own, whatever it is called.
        first = max(initial_epoch, 0)
        progress = _progress(verbose)
        seed = (self.seed + 1_000_003 * self._epochs) % 2**64
        history = History()
        watcher = Observed.of(
            self, self._engine, callbacks, history, progress, validates=held is not None,
            schedule=None if self.spec.train is None else self.spec.train.optimizer.schedule,
        )  # fmt: skip
        unwatched(callbacks, range(first, epochs), validation_freq, progress)
        loop = Loop(
            self._engine, rows, epochs, size, seed, shuffle, held, progress, watcher,
            first, 0, history, steps_per_epoch, validation_freq,
        )  # fmt: skip
        self._versions.revision += 1
        try:
            with self._versions.training():
                watcher.begin()
                loop.run()
                watcher.end()
        finally:
            progress.close()
        self._epochs += max(0, epochs - first)
        return history

    def evaluate(
        self,
        x: Given | Iterable[Any],
        y: Given | None = None,
        batch_size: int | None = None,
        sample_weight: Given | None = None,
        verbose: Verbose = "auto",
        steps: int | None = None,
    ) -> Logs:
        """Loss and metrics on data, as `{"loss": ..., metric: ...}`.

        Without y, x is an iterable of batches as in `fit`, of which `steps` are taken, or all.

        Raises:
            DataError: the arrays do not fit.
            RunError: the spec has no `train:` section with a loss.
        """
        del verbose
        with self._versions.aside():
            rows = evaluated(self._versions, x, y, sample_weight, steps)
            size = common_batch(self._bundle, {"evaluate": rows}, batch_size)
            return self._engine.evaluate(batch_feeds(self._engine, rows, size))

    def save(self, folder: str | Path) -> None:
        """Write the spec and the whole state; `Model.restore` reads them back."""
        from specc.spec.write import dump  # noqa: PLC0415  YAML is not needed to train

        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        replace(path / SPEC_FILE, dump(self.spec).encode())
        meta = {
            "target": self._bundle.target, "seed": self.seed, "epochs": self._epochs,
            "threads": self.threads,
            **({} if self._versions.costs is None else {"costs": self._versions.costs.to_dict()}),
            **({} if self._versions.internal is None
               else {"internal": self._versions.internal.to_dict()}),
        }  # fmt: skip
        save_state(path / STATE_FILE, self._engine.state(), meta)

    @classmethod
    def restore(cls, folder: str | Path, device: Device = "cpu") -> Model:
        """The model that `save` wrote; training goes on exactly where it stood.

        Raises:
            RunError: the folder does not hold a saved model.
        """
        from specc.spec.reader import load  # noqa: PLC0415  YAML is not needed to train

        path = Path(folder)
        named, meta = load_state(path / STATE_FILE)
        spec = load(path / SPEC_FILE)
        model = cls(
            spec, str(meta.get("target", "cpu")), device, int(meta.get("seed", 0)),
            meta.get("threads"), KernelCosts.of(meta["costs"]) if "costs" in meta else None,
            InternalOps.of(meta["internal"]) if "internal" in meta else None,
        )  # fmt: skip
        for name, array in model._engine.state().items():
            if name not in named or named[name].shape != array.shape:
                raise RunError(
                    f"{path / STATE_FILE}: state {name!r} is missing or of another model"
                )
        model._versions.replace(named)
        model._epochs = int(meta.get("epochs", 0))
        return model


def _progress(verbose: Verbose) -> Progress:
    """The display for Keras' `verbose`: 0 is silent."""
    if not verbose:
        return Progress()
    from specc.terminal import make_progress  # noqa: PLC0415  draws only when asked to

    return make_progress(sys.stderr)
