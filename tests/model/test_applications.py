"""The applications in `specs/`: what Keras and the papers count, and a loss that falls.

Oracle of the counts: keras.applications 3.15.1 and the examples of keras.io. That a step lowers
the loss of its own batch is checked on a smaller copy: smaller images, fewer repeats.
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.layer import InputLayer
from specc.network import build
from specc.network.objectives import objectives
from specc.spec.reader import load

COUNTS = {
    "resnet50": 25_636_712,
    "mobilenet_v2": 3_538_984,
    "efficientnet_b0": 5_330_571,
    "vgg16": 138_357_544,
    "densenet121": 8_062_504,
    "autoencoder": 28_353,
    "fraud": 139_777,
}
SMALLER = {
    "resnet50": [
        "inputs.image=[32, 32, 3]",
        "blocks.stage.layers[4].repeat=1",
        *(f"layers[{i}].stage.filters=16" for i in (6, 7, 8, 9)),
    ],
    "mobilenet_v2": ["inputs.image=[32, 32, 3]", "blocks.stage.layers[1].repeat=1"],
    "efficientnet_b0": ["inputs.image=[32, 32, 3]", "blocks.stage.layers[1].repeat=1"],
    "vgg16": [
        "inputs.image=[32, 32, 3]",
        "layers[2].stage=32",
        "layers[3].stage=64",
        "layers[5].dense.units=64",
    ],
    "densenet121": ["inputs.image=[32, 32, 3]"] + [f"layers[{i}].repeat=2" for i in (5, 7, 9, 11)],
    "unet": ["inputs.image=[16, 16, 1]", "layers[8].double=64"],
    "autoencoder": ["inputs.image=[8, 8, 1]"],
    "recommender": [],
    "tabular": ["blocks.hidden.layers[3].dropout=0.0"],
    "fraud": [],
    "gpt": ["inputs.tokens.shape=[16]", "layers[7].repeat=2"],
    "char_lstm": ["inputs.tokens.shape=[12]"],
    "translator": ["inputs.source.shape=[12]", "inputs.target.shape=[6]"],
    "captioner": [
        "inputs.image=[16, 16, 3]",
        "inputs.words.shape=[6]",
        "layers[6].embedding.input_dim=50",
        "layers[9].dense.units=50",
    ],
}
BATCH = 4


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_those_that_are_published(name: str) -> None:
    network = build(load(f"specs/{name}.yaml"))
    assert sum(weight.count for weight in network.weights) == COUNTS[name]


@pytest.mark.parametrize("name", SMALLER)
def test_steps_lower_the_loss_of_their_batch(name: str) -> None:
    spec = load(f"specs/{name}.yaml", [*SMALLER[name], "train.optimizer={adam: 0.001}"])
    network = build(spec)
    assert spec.train is not None
    rng = np.random.default_rng(0)
    x = [_input(rng, ref.call.node.layer, ref.call.node.name) for ref in network.inputs]
    (output,) = network.outputs
    shape = (BATCH, *(dim or 1 for dim in output.shape[1:]))
    (objective,) = objectives(network, spec.train, spec.place)
    sparse = objective.loss is not None and objective.loss.key.startswith("sparse")
    y = rng.integers(0, 2, shape[:-1] if sparse else shape)
    model = specc.Model(spec, target="cpu")
    losses = [model.train_on_batch(x, y)["loss"] for _ in range(4)]
    assert losses[-1] < losses[0]
    assert np.isfinite(losses).all()


def _input(rng: np.random.Generator, layer: object, name: str) -> np.ndarray:
    assert isinstance(layer, InputLayer), name
    shape = (BATCH, *(dim or 1 for dim in layer.shape))
    if layer.dtype == "int32":
        return rng.integers(1, 9, shape).astype(np.int32)
    return rng.random(shape, np.float32)
