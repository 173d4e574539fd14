"""What is measured: models as specs, and the neutral plans that every peer builds them from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import specc
from specc.compiler.bundle import initial_weights
from specc.layer import Layer
from specc.network import Call, Network, build
from specc.spec.model import Spec

ROOT = Path(__file__).parents[2]
HERE = ROOT / "benchmarks/specs"


@dataclass(frozen=True, slots=True)
class Workload:
    """A spec, and what tables call it."""

    title: str
    spec: Path


WORKLOADS = {
    "mnist_cnn": Workload("MNIST CNN", ROOT / "specs/mnist_cnn.yaml"),
    "mlp": Workload("MLP 784-512-512-10", HERE / "mlp.yaml"),
    "lenet5": Workload("LeNet-5", ROOT / "specs/lenet5.yaml"),
    "resnet20": Workload("ResNet-20, CIFAR-10", HERE / "resnet20.yaml"),
    "mobilenet_v2": Workload("MobileNetV2 0.5, 96 x 96", HERE / "mobilenet_v2.yaml"),
    "lstm": Workload("LSTM 128 x 2, 100 steps", HERE / "lstm.yaml"),
    "gpt": Workload("GPT, 4 layers of 128, context 128", HERE / "gpt.yaml"),
    "tabular": Workload("Tabular MLP with embeddings", HERE / "tabular.yaml"),
}


def workload(name: str) -> Workload:
    """One of `WORKLOADS`, or any spec that has a `train:` section."""
    if name in WORKLOADS:
        return WORKLOADS[name]
    path = Path(name)
    if path.exists():
        return Workload(path.stem, path)
    raise SystemExit(f"--workload {name}: expected a spec file or one of {', '.join(WORKLOADS)}")


@dataclass(frozen=True, slots=True)
class Task:
    """Everything a peer needs to build and train the model.

    Attributes:
        plan: of the model; plain data, the format is that of `plan_of`.
        weights: in Keras' order.
        inputs, targets: batches, (count, batch, ...) each.
    """

    spec: Spec
    plan: dict[str, Any]
    weights: list[np.ndarray]
    inputs: list[np.ndarray]
    targets: np.ndarray

    @staticmethod
    def of(path: Path, batch: int | None = None, count: int = 12) -> Task:
        """The task of a spec on noise. The batch size is the spec's unless given."""
        spec = specc.load(path)
        if spec.train is None:
            raise SystemExit(f"{path}: there is no `train:` section")
        network = build(spec)
        plan = plan_of(spec, network)
        weights = list(initial_weights(network, 0).values())
        plan |= {"spec": str(path), "batch": batch or spec.train.batch_size}
        rng = np.random.default_rng(1)
        inputs = [noise(rng, item, count, plan["batch"]) for item in plan["inputs"]]
        return Task(spec, plan, weights, inputs, answers(rng, plan, count))


def plan_of(spec: Spec, network: Network) -> dict[str, Any]:
    """The model as plain data: inputs, calls of layers in order, the objective.

    A layer is its Keras class and the fields that differ from Keras' defaults; `weights` are
    positions in the list of all weights.
    """
    train = spec.train
    if train is None or len(network.outputs) != 1:
        raise SystemExit(f"{spec.name}: a workload has one output and a `train:` section")
    places = {weight.name: i for i, weight in enumerate(network.weights)}
    return {
        "name": spec.name,
        "inputs": [
            {
                "name": ref.call.name,
                "shape": list(ref.shape[1:]),
                "dtype": getattr(ref.call.node.layer, "dtype", "float32"),
                "high": vocabulary(network, ref.call),
            }
            for ref in network.inputs
        ],
        "calls": [call_of(call, places) for call in network.calls],
        "output": network.outputs[0].call.name,
        "output_shape": list(network.outputs[0].shape[1:]),
        "loss": getattr(train.loss, "key", None),
        "optimizer": {"kind": train.optimizer.key, **train.optimizer.model_dump()},
        "trainable": [weight.trainable for weight in network.weights],
    }


def call_of(call: Call, places: dict[str, int]) -> dict[str, Any]:
    """One call of the plan."""
    layer = call.node.layer
    if not isinstance(layer, Layer) or len(call.output_shapes) != 1:
        raise SystemExit(f"{call.name}: workloads have no sub-models and no lists of outputs")
    return {
        "name": call.name,
        "layer": call.node.name,
        "kind": layer.key,
        "class": layer.type_name(),
        "fields": layer.model_dump(exclude_unset=True),
        "flags": dict(call.flags),
        "inputs": [None if ref is None else ref.call.name for ref in call.inputs],
        "input_shapes": [list(shape[1:]) for shape in call.input_shapes],
        "shape": list(call.output_shapes[0][1:]),
        "weights": [places[weight.name] for weight in call.node.weights],
    }


def vocabulary(network: Network, source: Call) -> int | None:
    """How many ids an integer input may hold: rows of the embedding that reads it."""
    for call in network.calls:
        if any(ref is not None and ref.call is source for ref in call.inputs):
            rows = getattr(call.node.layer, "input_dim", None)
            if rows is not None:
                return int(rows)
    return None


def noise(rng: np.random.Generator, item: dict[str, Any], count: int, batch: int) -> np.ndarray:
    """Batches of an input: images of a few bright and dark areas, numbers, or ids.

    Images of plain noise look all alike to deep layers, and batch normalization would divide by
    rounding errors.
    """
    shape = (count, batch, *item["shape"])
    if item["dtype"] == "float32":
        x = rng.random(shape, np.float32)
        if len(item["shape"]) == 3:
            height, width, channels = item["shape"]
            areas = rng.random((count, batch, 4, 4, channels), np.float32) ** 2
            rows, columns = (np.arange(n) * 4 // n for n in (height, width))
            x *= areas[:, :, rows][:, :, :, columns]
        return x
    return rng.integers(0, item["high"] or 2, shape).astype(item["dtype"])


def answers(rng: np.random.Generator, plan: dict[str, Any], count: int) -> np.ndarray:
    """Batches of random targets for the plan's loss."""
    shape = (count, plan["batch"], *plan["output_shape"])
    kinds = {
        "categorical_crossentropy": lambda: np.eye(shape[-1], dtype=np.float32)[
            rng.integers(0, shape[-1], shape[:-1])
        ],
        "sparse_categorical_crossentropy": lambda: rng.integers(0, shape[-1], shape[:-1]).astype(
            np.int32
        ),
        "binary_crossentropy": lambda: rng.integers(0, 2, shape).astype(np.float32),
        "mean_squared_error": lambda: rng.normal(size=shape).astype(np.float32),
    }
    if plan["loss"] not in kinds:
        raise SystemExit(f"{plan['name']}: workloads have a loss of {', '.join(kinds)}")
    return kinds[plan["loss"]]()
