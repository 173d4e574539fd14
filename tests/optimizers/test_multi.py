"""Several update rules in one model, chosen by the names of weights.

Oracle for the steps: Keras, in tests/model/test_steps.py; here models with one rule.
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.costs import optimizer_bytes
from specc.errors import RunError, SpecError
from specc.network import build
from specc.optimizers import AnyOptimizer
from specc.spec.reader import loads
from specc.spec.write import dump

SPEC = """
specc: 1
inputs: {x: [3]}
layers:
  - call: encoder
  - dense: {units: 1, name: head}
models:
  encoder:
    inputs: {x: [3]}
    layers: [{dense: {units: 4, activation: tanh}}]
train:
  loss: mse
  optimizer: OPTIMIZER
"""


def made(optimizer: str) -> specc.Spec:
    text = SPEC.replace("- dense: {units: 1, name: head}", "- dense: 1\n    name: head")
    return loads(text.replace("OPTIMIZER", optimizer))


def trained(optimizer: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)
    model = specc.Model(made(optimizer))
    # One step: later ones would see what the other rule did.
    model.train_on_batch(x, y)
    return model.weights


def test_each_weight_has_its_rule() -> None:
    several = trained("{multi_optimizer: {default_optimizer: {sgd: 0.1}, optimizer_map:"
                      " {'encoder/.*': {adam: 0.01}, head/bias: {sgd: 0.5}}}}")  # fmt: skip
    sgd, adam, fast = trained("{sgd: 0.1}"), trained("{adam: 0.01}"), trained("{sgd: 0.5}")
    expected = {name: adam[name] for name in adam if name.startswith("encoder/")}
    expected |= {"head/kernel": sgd["head/kernel"], "head/bias": fast["head/bias"]}
    for name, array in several.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_it_is_read_written_and_counted() -> None:
    text = "{multi_optimizer: {default_optimizer: sgd, optimizer_map: {head/.*: adam}}}"
    spec = made(text)
    assert loads(dump(spec)) == spec
    assert spec.train is not None
    # adam: two slots for the five weights of the head; a rate each; the counter.
    assert optimizer_bytes(build(spec), spec.train.optimizer) == 4 * (2 * 5 + 2) + 8
    model = specc.Model(spec)
    with pytest.raises(RunError, match="found a schedule or several rules"):
        model._engine.set_learning_rate(0.1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("heed/.*", r"expected the name of a trained weight, found 'heed/\.\*'; valid: enc"),
        ("head", "expected the name of a trained weight, found 'head'"),
        (".*kernel", "expected one rule for each: 'encoder/dense/kernel' is matched by"),
        ("(a*)*", "a repeated group, or more than 4 repetitions"),
        ("(", "expected a weight's name or a regular expression"),
        ("x" * 201, "more than 200 characters"),
    ],
)
def test_names_that_mean_nothing_or_too_much_are_refused(name: str, message: str) -> None:
    text = (
        "{multi_optimizer: {default_optimizer: sgd, optimizer_map:"
        f" {{'encoder/.*': adam, '{name}': sgd}}}}}}"
    )
    with pytest.raises(SpecError, match=message) as error:
        build(made(text))
    assert {problem.place.line for problem in error.value.problems} == {14}


def test_rules_hold_no_other_optimizers() -> None:
    inner = {"loss_scale_optimizer": "sgd"}
    with pytest.raises(ValueError, match="expected an update rule"):
        AnyOptimizer.parse({"multi_optimizer": {"default_optimizer": inner}})
