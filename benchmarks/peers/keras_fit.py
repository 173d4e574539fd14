"""Keras on the backend of KERAS_BACKEND. BENCH_JIT: what `compile` gets. BENCH_LOOP:

- `step`, the default: on TensorFlow a step is the compiled function that takes the next batch of a
  prefetching tf.data pipeline; on JAX and torch it is a step of `fit` itself. A step ends when its
  loss has been read, as it is for callbacks.
- `many`: the same on TensorFlow with `steps_per_execution`, so that Python is seen rarely.
- `fit`: `fit` on arrays, shuffled, from the end of a step to the end of the next.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from worker import Peer, Task, laps, serve, timed

JIT: str | bool = {"auto": "auto", "yes": True, "no": False}[os.environ.get("BENCH_JIT", "auto")]
LOOP = os.environ.get("BENCH_LOOP", "step")
BACKEND = keras.config.backend()
MANY = 16


def built(task: Task) -> keras.Model:
    """The model of the plan, compiled."""
    return with_layers(task)[0]


def with_layers(task: Task) -> tuple[keras.Model, dict[str, keras.layers.Layer]]:
    """The model of the plan, layer by layer from its own fields; and its layers by name."""
    plan = task.plan
    values: dict[str, object] = {
        item["name"]: keras.Input(item["shape"], dtype=item["dtype"]) for item in plan["inputs"]
    }
    inputs = list(values.values())
    layers: dict[str, keras.layers.Layer] = {}
    for call in plan["calls"]:
        fresh = call["layer"] not in layers
        if fresh:
            layers[call["layer"]] = getattr(keras.layers, call["class"])(**call["fields"])
        layer = layers[call["layer"]]
        given = [values[name] for name in call["inputs"] if name is not None]
        listed = call["kind"] in {"add", "concatenate", "multiply"}
        values[call["name"]] = (
            layer(given, **call["flags"]) if listed else layer(*given, **call["flags"])
        )
        if fresh and call["weights"]:
            arrays = [task.weights[i] for i in call["weights"]]
            seeds = [w for w in layer.weights if "seed" in w.path]
            layer.set_weights([*arrays, *(np.array(w) for w in seeds)])
    model = keras.Model(inputs, values[plan["output"]])
    # The plan's optimizers have Keras' own names and fields.
    settings = {k: v for k, v in plan["optimizer"].items() if v is not None}
    kind = {"sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam"}[settings.pop("kind")]
    settings.pop("ema_momentum", None)
    optimizer = getattr(keras.optimizers, kind)(**settings)
    model.compile(optimizer, plan["loss"], jit_compile=JIT)
    return model, layers


class Clock(keras.callbacks.Callback):
    """Times of a fit's steps."""

    def __init__(self) -> None:
        super().__init__()
        self.ms: list[float] = []
        self.began = 0.0

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        del batch, logs
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        del batch
        float((logs or {})["loss"])
        self.ms.append((time.perf_counter() - self.began) * 1e3)


def fitting(model: keras.Model, task: Task) -> Callable[[int], list[float]]:
    """Times of steps inside `fit`."""
    batches = task.cycle()

    def endless() -> object:
        while True:
            xs, y = next(batches)
            yield tuple(xs) if len(xs) > 1 else xs[0], y

    def run(steps: int) -> list[float]:
        clock = Clock()
        model.fit(endless(), steps_per_epoch=steps + 1, verbose=0, callbacks=[clock])
        return clock.ms[1:]  # the first one opens the epoch

    return run


class Ends(keras.callbacks.Callback):
    """When the steps of each epoch ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[list[float]] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        del epoch, logs
        self.ends.append([])

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        del batch, logs
        self.ends[-1].append(time.perf_counter())


def whole_fit(model: keras.Model, task: Task) -> Callable[[int], list[float]]:
    """Times of what `fit` does for a step, data and callbacks included."""
    inputs, targets = task.samples()
    x = inputs if len(inputs) > 1 else inputs[0]

    def run(steps: int) -> list[float]:
        clock, size = Ends(), task.plan["batch"]
        epochs = -(-steps // (len(targets) // size - 1))
        model.fit(x, targets, batch_size=size, epochs=epochs, verbose=0, callbacks=[clock])
        return [ms for ends in clock.ends for ms in laps(ends)]

    return run


def tensorflow_many(model: keras.Model, task: Task) -> Callable[[int], list[float]]:
    """Times of a step where one call of the compiled function makes several."""
    batches = pipeline(task)
    ready = False

    def run(steps: int) -> list[float]:
        nonlocal ready
        if not ready:
            model.steps_per_execution = MANY
            model.make_train_function(force=True)
            ready = True
        call = lambda: float(model.train_function(batches)["loss"])  # noqa: E731
        return [timed(call) / MANY for _ in range(-(-steps // MANY))]

    return run


def tensorflow_step(model: keras.Model, task: Task) -> Callable[[], object]:
    """One step of what `fit` runs on TensorFlow."""
    batches = pipeline(task)
    model.make_train_function()
    return lambda: float(model.train_function(batches)["loss"])


def pipeline(task: Task) -> object:
    """Batches without end, each prepared while the one before is used."""
    import tensorflow as tf

    inputs = tuple(task.inputs) if len(task.inputs) > 1 else task.inputs[0]
    data = tf.data.Dataset.from_tensor_slices((inputs, task.targets)).repeat()
    return iter(data.prefetch(tf.data.AUTOTUNE))


def predictor(model: keras.Model) -> Callable[[list[np.ndarray]], np.ndarray]:
    """The compiled function that `predict` calls for each batch."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        call = tf.function(lambda *xs: model(xs if len(xs) > 1 else xs[0]), jit_compile=JIT is True)
        return lambda xs: call(*map(tf.constant, xs)).numpy()
    if BACKEND == "jax":
        import jax

        # As arguments, weights are not folded away: `predict` has them there too. Training gives
        # the model's own buffers away.
        trained = [v.value.copy() for v in model.trainable_variables]
        others = [v.value.copy() for v in model.non_trainable_variables]
        call = jax.jit(
            lambda t, o, *xs: model.stateless_call(t, o, xs if len(xs) > 1 else xs[0])[0]
        )
        return lambda xs: np.asarray(call(trained, others, *xs))
    import torch

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        with torch.inference_mode():
            given = [torch.from_numpy(x) for x in xs]
            return model(given if len(given) > 1 else given[0], training=False).numpy()

    return predict


def limit_threads(threads: int) -> dict[str, str]:
    """Let the backend use so many; versions of what runs."""
    versions = {"keras": keras.__version__}
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        versions["tensorflow"] = tf.__version__
    elif BACKEND == "torch":
        import torch

        torch.set_num_threads(threads)
        versions["torch"] = torch.__version__
    else:
        import jax

        versions["jax"] = jax.__version__
    return versions


def make(task: Task) -> Peer:
    versions = limit_threads(task.threads)
    model = built(task)

    def loss(xs: list[np.ndarray], y: np.ndarray) -> float:
        model.reset_metrics()
        given = xs if len(xs) > 1 else xs[0]
        return float(model.train_on_batch(given, y, return_dict=True)["loss"])

    step, run = None, None
    if LOOP == "fit":
        return Peer(versions, loss, run=whole_fit(model, task))
    if LOOP == "many":
        note = f"{MANY} steps in one call, of which only the mean loss is seen"
        return Peer(versions, loss, run=tensorflow_many(model, task), note=note)
    if BACKEND == "tensorflow":
        step = tensorflow_step(model, task)
    else:
        run = fitting(model, task)
    return Peer(versions, loss, step, run, predictor(model))


if __name__ == "__main__":
    serve(make)
