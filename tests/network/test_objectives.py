"""Which loss, weight and metrics belong to which output."""

import pytest

from specc.errors import Place, SpecError
from specc.losses import Loss
from specc.metrics import Metric
from specc.network import build
from specc.network.objectives import objectives
from specc.spec.train import TrainSpec
from tests.network.specs import entry, spec


def two_heads():
    heads = [entry("p", {"dense": 4}, "x"), entry("q", {"dense": 1}, "x")]
    return build(spec({"x": (4,)}, *heads, outputs=["q", "p"]))


def one_head():
    return build(spec({"x": (4,)}, entry("p", {"dense": 4})))


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (
            {"loss": ["mse", "mae"], "loss_weights": [2.0, 0.0], "metrics": [["mae"], []]},
            [("q", "mse", 2.0, ["mae"]), ("p", "mae", 0.0, [])],
        ),
        (
            {"loss": {"p": "mse"}, "loss_weights": {"p": 3.0}, "metrics": {"p": ["mae", "mse"]}},
            [("q", None, 1.0, []), ("p", "mse", 3.0, ["mae", "mse"])],
        ),
        (
            {"loss": [None, "mse"], "metrics": ["mae", "mse"]},
            [("q", None, 1.0, ["mae"]), ("p", "mse", 1.0, ["mse"])],
        ),
        ({}, [("q", None, 1.0, []), ("p", None, 1.0, [])]),
    ],
    ids=["lists", "mappings", "gaps", "nothing"],
)
def test_two_outputs(train, expected):
    """Oracle: Keras' rule, a list goes by the outputs' order, a mapping by their names."""
    found = objectives(two_heads(), TrainSpec.model_validate(train))
    assert [item.output.call.name for item in found] == ["q", "p"]
    assert [(item.name, item.loss, item.weight, list(item.metrics)) for item in found] == [
        (name, loss and Loss.parse(loss), weight, [Metric.parse(metric) for metric in metrics])
        for name, loss, weight, metrics in expected
    ]


def test_one_output_takes_the_plain_loss_and_all_plain_metrics():
    (found,) = objectives(
        one_head(), TrainSpec.model_validate({"loss": "mse", "metrics": ["mae", "mse"]})
    )
    assert found.loss == Loss.parse("mse")
    assert len(found.metrics) == 2


def test_every_misfit_is_reported_at_the_place():
    train = TrainSpec.model_validate({"loss": ["mse"], "metrics": {"z": ["mae"]}})
    with pytest.raises(SpecError) as error:
        objectives(two_heads(), train, lambda path: Place("m.yaml", 7, 3))
    assert [str(problem).split(":")[:4] for problem in error.value.problems] == [
        ["m.yaml", "7", "3", " train.loss"],
        ["m.yaml", "7", "3", " train.metrics"],
    ]
