"""Names, shapes, weights and kinds of networks."""

import pytest

from specc.errors import InternalError, SpecError
from specc.initializers import Zeros
from specc.keras_import import from_keras
from specc.layer import Weight
from specc.layers import Layer
from specc.network import Network, build
from specc.network.model import node_weights
from specc.spec.model import Entry, Reference
from tests.golden import APPS, app, graphs
from tests.network.specs import entry, model, spec


@pytest.mark.parametrize("name", graphs())
def test_order_of_layers_and_weights_is_that_of_keras(name):
    case = graphs()[name]
    network = build(from_keras(case["config"]))
    assert [node.name for node in network.nodes] == case["layers"]
    assert [list(w.weight.shape) for w in network.weights] == [
        shape for _, shape in case["weights"]
    ]
    assert [w.trainable for w in network.weights] == case["trainable"]
    ends = [path.rsplit("/", 1)[-1] for path, _ in case["weights"]]
    assert [w.name.rsplit("/", 1)[-1] for w in network.weights] == ends
    if case["output_names"]:
        assert list(network.output_names) == case["output_names"]


@pytest.mark.parametrize("name", APPS)
def test_weights_of_applications(name):
    case = app(name)
    network = build(from_keras(case["config_small.json"]))
    assert [list(w.weight.shape) for w in network.weights] == [
        shape for _, shape in case["weights"]
    ]
    assert len({w.name for w in network.weights}) == len(network.weights)


def test_a_chain_is_sequential_and_takes_the_entry_above():
    network = build(spec({"x": (8,)}, entry("a", {"dense": 4}), entry("b", {"dense": 3})))
    assert network.kind == "sequential"
    assert [node.name for node in network.nodes] == ["a", "b"]
    assert network.inputs[0].shape == (None, 8)
    assert network.outputs[0].shape == (None, 3)
    assert [w.name for w in network.weights] == ["a/kernel", "a/bias", "b/kernel", "b/bias"]
    assert network.output_names == ("b",)


@pytest.mark.parametrize(
    "made",
    [
        spec({"x": (8,)}, entry("a", {"dense": 4}), kind="functional"),
        spec({"x": (8,)}, entry("a", {"dense": 8}), entry("b", None, call="a")),
        spec({"x": (8,)}, entry("a", {"dense": 8}), entry("b", "add", "x", "a")),
        spec({"x": (8,)}, entry("a", {"dense": 8}), entry("b", "flatten"), outputs=["b", "a"]),
    ],
    ids=["asked for", "called twice", "branches", "two outputs"],
)
def test_what_is_no_plain_chain_is_functional(made):
    network = build(made)
    assert network.kind == "functional"
    assert network.nodes[0].name == "x"


def test_a_layer_called_again_shares_its_weights():
    network = build(
        spec(
            {"p": (8,), "q": (8,)},
            entry("a", {"dense": 4}, "p"),
            entry("again", None, "q", call="a"),
            entry("both", "add", "a", "again"),
        )
    )
    assert [call.index for call in network.node("a").calls] == [0, 1]
    assert len(network.weights) == 2
    assert network.outputs[0].call.written[1].call is network.node("a").calls[1]


def test_a_sub_model_is_one_node_whose_weights_carry_its_name():
    inner = model({"z": (None, 4)}, entry("d", {"dense": 4}), name="inner")
    network = build(
        spec(
            {"x": (7, 4)},
            entry("one", None, "x", call="inner"),
            entry("two", None, "one", call="inner"),
            entry("out", {"dense": 2}),
            models={"inner": inner},
        )
    )
    node = network.node("inner")
    assert isinstance(node.layer, Network)
    assert len(node.calls) == 2
    assert [w.name for w in network.weights] == [
        "inner/d/kernel",
        "inner/d/bias",
        "out/kernel",
        "out/bias",
    ]
    # The declared length is open; the call's is known, and so is what follows from it.
    assert node.layer.outputs[0].shape == (None, None, 4)
    assert node.calls[1].output_shapes == ((None, 7, 4),)


def test_a_sub_model_inside_another_is_shared_by_both_of_its_callers():
    deep = model({"z": (4,)}, entry("d", {"dense": 4}), name="deep")
    middle = model({"z": (4,)}, entry("first", None, call="deep"), name="middle")
    network = build(
        spec(
            {"x": (4,)},
            entry("a", None, "x", call="middle"),
            entry("b", None, "a", call="deep"),
            models={"deep": deep, "middle": middle},
        )
    )
    assert [w.name for w in network.weights] == ["deep/d/kernel", "deep/d/bias"]
    walked = [(owner.name, node.name) for owner, node in network.walk()]
    assert walked.count(("deep", "d")) == 1


@pytest.mark.parametrize("frozen", ["m", "middle", "deep"])
def test_a_frozen_model_freezes_what_it_encloses(frozen):
    deep = model({"z": (4,)}, entry("d", {"dense": 4}), name="deep", trainable=frozen != "deep")
    middle = model(
        {"z": (4,)},
        entry("first", None, call="deep"),
        entry("own", {"dense": 4}),
        name="middle",
        trainable=frozen != "middle",
    )
    network = build(
        spec(
            {"x": (4,)},
            entry("a", None, "x", call="middle"),
            entry("out", {"dense": 2}),
            models={"deep": deep, "middle": middle},
            trainable=frozen != "m",
        )
    )
    free = {w.name for w in network.weights if w.trainable}
    expected = {"m": set(), "middle": {"out"}, "deep": {"out", "middle/own"}}[frozen]
    assert {name.rsplit("/", 1)[0] for name in free} == expected


def test_a_frozen_layer_and_a_weight_that_is_never_trained():
    network = build(
        spec(
            {"x": (4,)},
            entry("a", {"dense": {"units": 4, "trainable": False}}),
            entry("n", "batch_normalization"),
        )
    )
    flags = {w.name: w.trainable for w in network.weights}
    assert flags == {
        "a/kernel": False,
        "a/bias": False,
        "n/gamma": True,
        "n/beta": True,
        "n/moving_mean": False,
        "n/moving_variance": False,
    }
    assert network.node("n").params == 16
    assert network.node("n").trainable_params == 8


def test_all_outputs_of_the_last_entry_are_the_models():
    pair = model(
        {"z": (4,)},
        entry("p", {"dense": 4}, "z"),
        entry("q", {"dense": 3}, "z"),
        outputs=["p", "q"],
    )
    network = build(spec({"x": (4,)}, entry("both", None, "x", call="pair"), models={"pair": pair}))
    assert [ref.shape for ref in network.outputs] == [(None, 4), (None, 3)]


def test_two_weights_of_one_name_are_told_apart():
    declared = [Weight("cell/kernel", (n,), Zeros()) for n in (1, 2, 3)]
    names = [w.name for w in node_weights("rnn", declared, trainable=True)]
    assert names == ["rnn/cell/kernel", "rnn/cell/kernel_1", "rnn/cell/kernel_2"]


class Query(Layer):
    """A layer with named arguments, which no spec can name."""

    abstract = True
    key = "query"
    min_inputs = 2
    max_inputs = 4
    arguments = ("query", "value", "key", "mask")

    def output_shape(self, inputs):
        return inputs[0]


def attend(**arguments):
    names = {key: Reference(value) for key, value in arguments.items()}
    return Entry("l", Query(), arguments=names)


def test_arguments_take_their_places_and_gaps_stay_open():
    made = spec({"a": (4,), "b": (3,), "m": (2,)}, attend(mask="m", query="a", value="b"))
    (call,) = build(made).calls
    assert [None if ref is None else ref.call.name for ref in call.inputs] == ["a", "b", None, "m"]
    assert [ref.call.name for ref in call.written] == ["m", "a", "b"]
    assert call.input_shapes == ((None, 4), (None, 3), (), (None, 2))


def test_arguments_that_end_early_leave_no_gap():
    (call,) = build(spec({"a": (4,), "b": (3,)}, attend(value="b", query="a"))).calls
    assert len(call.inputs) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query": "a"}, "l: needs value; given are query"),
        ({"query": "a", "valu": "b"}, "l: has no argument 'valu'; did you mean 'value'?"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(SpecError) as error:
        build(spec({"a": (4,), "b": (3,)}, attend(**arguments)))
    assert str(error.value).startswith(message)


def test_the_number_of_inputs_of_a_layer_that_takes_a_range():
    with pytest.raises(SpecError, match="l: takes 2 to 4 inputs, received 1"):
        build(spec({"a": (4,)}, Entry("l", Query(), inputs=(Reference("a"),))))


def test_arguments_of_a_sub_model_are_its_inputs():
    minus = model(
        {"left": (4,), "right": (4,)}, entry("d", "subtract", "left", "right"), name="minus"
    )
    made = spec(
        {"a": (4,), "b": (4,)},
        entry("l", None, call="minus", right="a", left="b"),
        models={"minus": minus},
    )
    (call,) = build(made).calls
    assert [ref.call.name for ref in call.inputs] == ["b", "a"]


def test_what_nodes_and_calls_are_asked_wrongly():
    network = build(spec({"x": (4,)}, entry("a", {"dense": 4})))
    with pytest.raises(InternalError, match="no node 'b' in 'm'"):
        network.node("b")
    with pytest.raises(InternalError, match="input 'x' is not a call"):
        _ = network.inputs[0].call.called
