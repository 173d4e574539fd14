"""Work and bytes, counted again by loops or published."""

import itertools
import json

import pytest

from specc.costs import costs, optimizer_bytes
from specc.keras_import import from_keras
from specc.network import build
from specc.optimizers import Optimizer
from specc.spec.train import TrainSpec
from tests.golden import app, graphs
from tests.network.specs import entry, model, spec


@pytest.mark.parametrize(
    ("name", "macs", "digits"),
    [
        ("ResNet50", 3.86e9, 2),
        ("VGG16", 15.47e9, 3),
        ("MobileNetV2", 0.3008e9, 3),
        ("EfficientNetB0", 0.39e9, 1),
        ("DenseNet121", 2.83e9, 2),
    ],
)
def test_macs_of_known_networks(name, macs, digits):
    """Oracle: the figures of the papers (300M for MobileNetV2, 0.39B for EfficientNet-B0, ...)."""
    found = costs(from_keras(app(name)["config.json"]))
    assert found.macs == pytest.approx(macs, rel=0.5 * 10 ** (1 - digits))
    assert found.flops > 2 * found.macs


def test_macs_of_a_small_network_against_loops():
    made = spec(
        {"x": (7, 9, 3)},
        entry("conv", {"conv2d": {"filters": 5, "kernel_size": [3, 2], "strides": 2}}),
        entry("flat", "flatten"),
        entry("dense", {"dense": 4}),
    )
    conv, flat, dense = costs(made).calls
    count = 0
    for _ in itertools.product(range(3), range(4), range(5), range(3), range(2), range(3)):
        count += 1
    assert conv.output_shapes == ((None, 3, 4, 5),)
    assert (conv.macs, conv.flops) == (count, 2 * count + 3 * 4 * 5)
    assert (flat.macs, flat.flops) == (0, 0)
    assert (dense.macs, dense.flops) == (60 * 4, 2 * 60 * 4 + 4)


def test_a_shared_layer_has_its_parameters_once_and_its_work_twice():
    made = spec({"x": (4,)}, entry("a", {"dense": 4}), entry("b", None, call="a"))
    found = costs(made)
    assert [call.params for call in found.calls] == [20, 0]
    assert [call.macs for call in found.calls] == [16, 16]
    assert found.params == 20


def test_a_model_at_steps_has_the_work_and_the_bytes_of_every_step():
    # Oracle: the same layers written out, applied to steps by themselves.
    inner = model({"z": (4,)}, entry("d", {"dense": 3}), entry("e", {"dense": 2}), name="i")
    wrapped = entry("t", {"time_distributed": {"layer": {"call": "i"}}})
    one = costs(spec({"x": (4,)}, entry("d", {"dense": 3}), entry("e", {"dense": 2})))
    (found,) = costs(spec({"x": (5, 4)}, wrapped, models={"i": inner})).calls
    assert (found.macs, found.flops) == (5 * one.macs, 5 * one.flops)
    # The steps' results are put together once more.
    inside = sum(call.activation_bytes for call in one.calls)
    assert found.activation_bytes == 5 * inside + 5 * 2 * 4


def test_a_sub_model_has_the_work_of_its_layers_at_the_shapes_of_the_call():
    inner = model({"z": (None, 4)}, entry("d", {"dense": 3}), entry("e", {"dense": 2}), name="i")
    made = spec({"x": (10, 4)}, entry("i", None, call="i"), models={"i": inner})
    (call,) = costs(made, batch=5).calls
    assert call.macs == 10 * (4 * 3 + 3 * 2)
    assert call.activation_bytes == 5 * 10 * (3 + 2) * 4


def test_bytes():
    made = spec(
        {"x": (6,)},
        entry("a", {"dense": {"units": 4, "trainable": False}}),
        entry("n", "batch_normalization"),
        train=TrainSpec.model_validate({"loss": "mse", "optimizer": "adam"}),
    )
    found = costs(made, batch=8)
    assert found.weight_bytes == 4 * (6 * 4 + 4 + 4 * 4)
    assert found.gradient_bytes == 4 * 8
    assert found.activation_bytes == 8 * 4 * (6 + 4 + 4)
    assert found.optimizer_bytes == 4 * (2 * 8 + 1) + 8
    assert found.training_bytes == sum(
        (found.weight_bytes, found.gradient_bytes, found.optimizer_bytes, found.activation_bytes)
    )
    assert costs(build(made)).optimizer_bytes == 0


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        # Keras prints 186,646 optimizer params, 729.09 KB, for Adam on this network.
        ("adam", 746588),
        ("sgd", 12),
        ({"sgd": {"momentum": 0.9}}, 12 + 4 * 93322),
        ({"adam": {"use_ema": True, "gradient_accumulation_steps": 2}}, 746588 + 8 * 93322),
        (
            {
                "sgd": {
                    "learning_rate": {
                        "exponential_decay": {
                            "initial_learning_rate": 0.1,
                            "decay_steps": 10,
                            "decay_rate": 0.9,
                        }
                    }
                }
            },
            8,
        ),
    ],
)
def test_optimizer_bytes(written, expected):
    """Oracle: Keras' optimizer variables with the TensorFlow backend (iteration is int64)."""
    network = build(from_keras(app("digits_cnn")["config.json"]))
    assert optimizer_bytes(network, Optimizer.parse(written)) == expected


def test_json():
    found = costs(from_keras(graphs()["sequential_of_models"]["config"]), batch=2).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["calls"][0]["receptive_field"] == {"input_layer_1": [3, 3]}
    assert found["macs"] == sum(call["macs"] for call in found["calls"])
