"""Optimizer steps against Keras, gradient by gradient (tests/frozen/make_optimizers.py)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from specc import primitives as ops
from specc.family import snake_case
from specc.optimizers import Optimizer, Schedule
from specc.optimizers import step as steps
from specc.primitives import Trace
from tests.numpy_primitives import evaluate

FROZEN = Path(__file__).parents[1] / "frozen"
CASES = json.loads((FROZEN / "optimizers.json").read_text())
IDS = [f"{i}-{snake_case(case['class'])}" for i, case in enumerate(CASES)]
WEIGHTS = {"dense/kernel": (4, 3), "dense/bias": (3,), "embedding/table": (2, 5)}
NORMS = ("clipnorm", "global_clipnorm")
# float32 over 8 steps; Newton-Schulz amplifies rounding.
CLOSE = {"rtol": 1e-4, "atol": 2e-6}


@pytest.fixture(scope="module")
def frozen():
    with np.load(FROZEN / "optimizers.npz") as arrays:
        return dict(arrays)


class Training:
    """One step of an optimizer as a primitive graph, run again and again on its own state."""

    def __init__(self, optimizer, weights):
        self.optimizer = optimizer
        trace = Trace()
        self.state = {}
        self.tensors = {}
        self.new = {}

        def state(name, value):
            self.state[name] = np.asarray(value)
            dtype = str(self.state[name].dtype)
            self.tensors[name] = ops.state(
                trace, name, self.state[name].shape, dtype, trainable=False
            )
            return self.tensors[name]

        iterations = state("iteration", np.asarray(0, np.int64))
        scheduled = isinstance(optimizer.learning_rate, Schedule)
        rate = None
        if not scheduled:
            rate = state("learning_rate", np.float32(optimizer.learning_rate))
        scalars = {s.name: state(s.name, np.float32(s.start)) for s in optimizer.scalars()}
        lr = steps.learning_rate(optimizer, rate, iterations)
        self.gradients = [
            ops.graph_input(trace, f"g/{name}", value.shape, "float32")
            for name, value in weights.items()
        ]
        slots = {}
        for name, value in weights.items():
            state(name, value)
            for slot in steps.all_slots(optimizer, value.shape, name):
                shape = value.shape if slot.shape is None else slot.shape
                start = value if slot.start == "weight" else np.full(shape, slot.start, np.float32)
                slots.setdefault(name, {})[slot.name] = state(f"{name}/{slot.name}", start)
        grads = []
        for name, g in zip(weights, self.gradients, strict=True):
            held = slots.get(name, {})
            if steps.ACCUMULATOR in held:
                accumulator = held[steps.ACCUMULATOR]
                mean, after = steps.accumulate(optimizer, g, accumulator, iterations)
                self.new[f"{name}/{steps.ACCUMULATOR}"] = after
                grads.append(mean)
            else:
                grads.append(g)
        for name, g in zip(weights, steps.clip_gradients(optimizer, grads), strict=True):
            held = slots.get(name, {})
            args = (self.tensors[name], g, held, scalars, lr, iterations)
            self.new[name], after = steps.step(optimizer, *args)
            self.new |= {f"{name}/{slot}": tensor for slot, tensor in after.items()}
        self.new |= steps.advance(optimizer, scalars, iterations)
        self.new["iteration"] = iterations + 1
        assert self.new.keys() == self.state.keys() - {"learning_rate"}

    def apply(self, gradients):
        feeds = {tensor: self.state[name] for name, tensor in self.tensors.items()}
        feeds |= dict(zip(self.gradients, gradients, strict=True))
        values = evaluate(list(self.new.values()), feeds)
        for name, value in zip(self.new, values, strict=True):
            assert value.shape == self.state[name].shape
            self.state[name] = value

    def variables(self, weights):
        """The state in the order of Keras' optimizer variables, in one vector."""
        shapes = [(name, value.shape) for name, value in weights.items()]
        order = ["iteration", *(["learning_rate"] if "learning_rate" in self.state else [])]
        for index, slot in steps.keras_order(self.optimizer, shapes):
            order.append(f"{shapes[index][0]}/{slot.name}")
        order += [slot.name for slot in self.optimizer.scalars()]
        return order, np.concatenate([self.state[name].reshape(-1) for name in order])


def optimizer_of(case):
    return Optimizer.parse({snake_case(case["class"]): case["fields"]})


@pytest.mark.parametrize("index", range(len(CASES)), ids=IDS)
def test_weights_and_slots_after_every_step_are_those_of_keras(index, frozen):
    case = CASES[index]
    weights = {name: frozen[f"w{i}"] for i, name in enumerate(WEIGHTS)}
    training = Training(optimizer_of(case), weights)
    for step, expected in enumerate(frozen[f"{index}/weights"]):
        training.apply([frozen[f"g{i}"][step] for i in range(len(weights))])
        found = np.concatenate([training.state[name].reshape(-1) for name in weights])
        np.testing.assert_allclose(found, expected, **CLOSE, err_msg=f"step {step}")
    names, found = training.variables(weights)
    expected = frozen[f"{index}/variables"]
    if case["class"] == "Adafactor":
        # Keras keeps an unused scalar 0 for the rows and the columns of a vector.
        first = 2 + (4 + 3) + 4 * 3
        expected = np.delete(expected, [first, first + 1])
    else:
        assert len(names) == len(case["variables"])
    np.testing.assert_allclose(found, expected, **CLOSE)


def keras_name(name):
    return name.replace("/", "_")


@pytest.mark.parametrize("index", range(len(CASES)), ids=IDS)
def test_slots_have_the_names_and_the_order_of_keras(index, frozen):
    case = CASES[index]
    if case["class"] == "Adafactor":
        pytest.skip("Keras names rows and columns after the weight alone")
    weights = {name: frozen[f"w{i}"] for i, name in enumerate(WEIGHTS)}
    names, _ = Training(optimizer_of(case), weights).variables(weights)
    scalars = {slot.name for slot in optimizer_of(case).scalars()}
    found = [keras_name(name) for name in names if name not in scalars]
    # Keras gives the scalar no name of its own.
    expected = [path.partition("/")[2] for path in case["variables"]]
    assert found == [name for name in expected if name != "variable"]


PACKED = [
    i
    for i, case in enumerate(CASES)
    if optimizer_of(case).elementwise and not any(name in case["fields"] for name in NORMS)
]


@pytest.mark.parametrize("index", PACKED, ids=[IDS[i] for i in PACKED])
def test_elementwise_rules_are_the_same_on_one_packed_vector(index, frozen):
    count = sum(math.prod(shape) for shape in WEIGHTS.values())
    packed = np.concatenate([frozen[f"w{i}"].reshape(-1) for i in range(3)])
    assert packed.shape == (count,)
    training = Training(optimizer_of(CASES[index]), {"all": packed})
    for step, expected in enumerate(frozen[f"{index}/weights"]):
        training.apply([np.concatenate([frozen[f"g{i}"][step].reshape(-1) for i in range(3)])])
        np.testing.assert_allclose(training.state["all"], expected, **CLOSE)


def test_every_optimizer_has_a_case():
    rules = {kind for kind in Optimizer.kinds().values() if issubclass(kind, Optimizer)}
    assert {type(optimizer_of(case)) for case in CASES} == rules


def test_lamb_takes_a_plain_step_from_a_weight_of_zeros():
    """Oracle: with |w| = 0 the ratio is 1, and Adam's first step without bias is sign(g)."""
    optimizer = Optimizer.parse({"lamb": 0.1})
    training = Training(optimizer, {"w": np.zeros((2, 2), np.float32)})
    training.apply([np.asarray([[1.0, -2.0], [0.5, -0.1]], np.float32)])
    np.testing.assert_allclose(training.state["w"], [[-0.1, 0.1], [-0.1, 0.1]], rtol=1e-5)


@pytest.mark.parametrize("kind", NORMS)
def test_a_gradient_within_the_limit_is_not_touched(kind):
    optimizer = Optimizer.parse({"sgd": {"learning_rate": 1.0, kind: 10.0}})
    training = Training(optimizer, {"w": np.zeros(3, np.float32)})
    training.apply([np.asarray([1.0, 2.0, 3.0], np.float32)])
    np.testing.assert_array_equal(training.state["w"], [-1.0, -2.0, -3.0])


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"clipnorm": 1.0, "clipvalue": 0.5}, "one of clipnorm, clipvalue, global_clipnorm"),
        ({"clipnorm": 0.0}, "greater than 0"),
        ({"clipvalue": float("inf")}, "finite"),
        ({"ema_momentum": 1.5}, "less than or equal to 1"),
        ({"gradient_accumulation_steps": 1}, "greater than or equal to 2"),
        ({"momentum": 2.0}, "less than or equal to 1"),
        ({"learning_rates": 1.0}, "learning_rate"),
    ],
)
def test_wrong_fields_are_refused(fields, match):
    with pytest.raises(ValueError, match=match):
        Optimizer.parse({"sgd": fields})


def test_the_short_form_is_the_learning_rate():
    assert Optimizer.parse({"rmsprop": 0.25}).learning_rate == 0.25
    assert Optimizer.parse({"adam": 0.25}).written() == {"adam": {"learning_rate": 0.25}}


def test_aliases_are_the_names_that_keras_derives():
    assert Optimizer.find("adam_w") is Optimizer.find("adamw")
    assert Optimizer.find("rm_sprop") is Optimizer.find("rmsprop")
