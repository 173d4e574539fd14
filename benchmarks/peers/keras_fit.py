"""Keras on the backend of KERAS_BACKEND, stepped as `fit` does it. BENCH_JIT: what `compile` gets.

On TensorFlow a step is the compiled function that takes the next batch of a prefetching tf.data
pipeline; on JAX and torch it is a step of `fit` itself. A step ends when its loss has been read,
as it is for callbacks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from worker import Peer, Task, serve

JIT: str | bool = {"auto": "auto", "yes": True, "no": False}[os.environ.get("BENCH_JIT", "auto")]
BACKEND = keras.config.backend()


def built(task: Task) -> keras.Model:
    """The model of the plan, layer by layer from its own fields."""
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
    return model


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


def tensorflow_step(model: keras.Model, task: Task) -> Callable[[], object]:
    """One step of what `fit` runs on TensorFlow."""
    import tensorflow as tf

    inputs = tuple(task.inputs) if len(task.inputs) > 1 else task.inputs[0]
    data = tf.data.Dataset.from_tensor_slices((inputs, task.targets)).repeat()
    batches = iter(data.prefetch(tf.data.AUTOTUNE))
    model.make_train_function()
    return lambda: float(model.train_function(batches)["loss"])


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


def make(task: Task) -> Peer:
    versions = {"keras": keras.__version__}
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(task.threads)
        tf.config.threading.set_inter_op_parallelism_threads(task.threads)
        versions["tensorflow"] = tf.__version__
    elif BACKEND == "torch":
        import torch

        torch.set_num_threads(task.threads)
        versions["torch"] = torch.__version__
    else:
        import jax

        versions["jax"] = jax.__version__
    model = built(task)

    def loss(xs: list[np.ndarray], y: np.ndarray) -> float:
        model.reset_metrics()
        given = xs if len(xs) > 1 else xs[0]
        return float(model.train_on_batch(given, y, return_dict=True)["loss"])

    if BACKEND == "tensorflow":
        step, run = tensorflow_step(model, task), None
    else:
        step, run = None, fitting(model, task)
    return Peer(versions, loss, step, run, predictor(model))


if __name__ == "__main__":
    serve(make)
