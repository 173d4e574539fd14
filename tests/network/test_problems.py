"""What is wrong with a model: every problem in one error, at its place, said once."""

from dataclasses import replace

import pytest

from specc.errors import SpecError
from specc.network import build
from specc.spec.train import TrainSpec
from tests.network.specs import entry, model, spec


def problems(*args, **kwargs):
    with pytest.raises(SpecError) as error:
        build(spec(*args, **kwargs))
    return [str(problem) for problem in error.value.problems]


def test_all_problems_at_once_and_none_twice():
    found = problems(
        {"x": (4,)},
        entry("a", {"conv2d": {"filters": 2, "kernel_size": 3}}, line=1),
        entry("b", {"dense": 3}, line=2),
        entry("c", {"dense": 3}, "ax", line=3),
        entry("d", "add", "c", "b", line=4),
    )
    assert len(found) == 2
    assert found[0].startswith("m.yaml:1:3: layers[1] (a): ")
    assert found[1].startswith("m.yaml:3:3: layers[3] (c): nothing is called 'ax';")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [entry("a", {"conv2d": {"filters": 2, "kernel_size": 9}})],
            "a: a kernel of 9 does not fit an axis of 8 without padding",
        ),
        ([entry("a", {"dense": 3}, "a")], "a: 'a' is defined at or below this entry"),
        ([entry("a", {"dense": 3}, "b"), entry("b", {"dense": 3})], "'b' is defined at or below"),
        ([entry("a", {"dense": 3}), entry("a", {"dense": 3})], "a: a second entry is called 'a'"),
        ([entry("x", {"dense": 3})], "x: a second entry is called 'x'"),
        ([entry("a", "flatten", "x[1]")], "a: x[1] does not exist: 'x' has 1 output"),
        ([entry("a", "flatten", "x", "x")], "a: takes 1 input, received 2"),
        ([entry("a", "subtract", "x")], "a: takes 2 inputs, received 1"),
        ([entry("a", "flatten", zz="x")], "a: has no argument 'zz'"),
        ([entry("a", None, call="x")], "a: 'x' is an input and cannot be called"),
        ([entry("a", None, call="b"), entry("b", "flatten")], "a: calls 'b' above its entry"),
        ([entry("a", "flatten"), entry("b", None, call="flaten")], "b: calls 'flaten', which is"),
        (
            [
                entry("f", "flatten", "x"),
                entry("a", {"dense": 3}, "x"),
                entry("b", "add", "f", "a"),
            ],
            "b: ",
        ),
        (
            [entry("f", {"dense": 3}, "x"), entry("g", "flatten", "x"), entry("a", None, call="f")],
            "a: 'f' has weights for (None, 8, 8, 1) and cannot be called again on (None, 64)",
        ),
        (
            [entry("f", "flatten", "x"), entry("a", {"dense": 3}, "x")],
            "f: no output needs this layer; name it in `outputs:`",
        ),
        (
            [entry("f", "flatten"), entry("a", {"dense": 2**25})],
            "a: the weight kernel (64, 33554432) takes 8.0 GiB; the limit for a tensor is 2 GiB",
        ),
    ],
)
def test_messages(entries, message):
    found = problems({"x": (8, 8, 1)}, *entries)
    if "33554432" in message:
        found = [line for line in found if "weight" in line]
        message = (
            "a: the weight kernel (64, 33554432) takes 8.0 GiB; the limit for a tensor is 2 GiB"
        )
    assert message in found[0]
    assert len(found) == 1


def test_an_activation_over_the_limit():
    found = problems({"x": (8,)}, entry("a", {"dense": 2**30}))
    assert found[0].startswith("a: the output (None, 1073741824) takes 4.0 GiB for one sample")
    assert len(found) == 1


def test_an_input_that_cannot_be():
    assert problems({"x": (0, 4)}, entry("a", {"dense": 2})) == [
        "inputs.x: the input (None, 0, 4) would be empty"
    ]


def test_the_first_entry_of_a_model_with_two_inputs_must_choose():
    found = problems({"p": (4,), "q": (4,)}, entry("a", {"dense": 2}))
    assert found == ["a: the model has 2 inputs; choose with `inputs:` (p, q)"]


def test_the_entry_below_several_outputs_must_choose():
    pair = model(
        {"z": (4,)},
        entry("p", {"dense": 4}, "z"),
        entry("q", {"dense": 3}, "z"),
        outputs=["p", "q"],
    )
    found = problems(
        {"x": (4,)},
        entry("both", None, "x", call="pair"),
        entry("below", {"dense": 2}),
        models={"pair": pair},
    )
    assert found == ["below: 'both' above has 2 outputs; choose with `inputs:`, both or both[1]"]


def test_outputs_that_are_not_there():
    found = problems({"x": (4,)}, entry("a", {"dense": 2}), outputs=["b"])
    assert found == ["outputs: nothing is called 'b'; valid: a, x"]
    assert problems({"x": (4,)}) == ["layers: the model has no layers"]


def test_a_sequential_model_must_be_a_chain():
    (found,) = problems(
        {"x": (4,)}, entry("a", {"dense": 4}), entry("b", None, call="a"), kind="sequential"
    )
    assert found.startswith("kind: a sequential model is a chain")


def test_problems_inside_a_sub_model_are_told_once_and_its_calls_skipped():
    bad = model({"z": (4,)}, entry("d", {"dense": 4}, "nowhere"))
    found = problems(
        {"x": (4,)},
        entry("a", None, "x", call="bad"),
        entry("b", {"dense": 2}),
        models={"bad": bad},
    )
    assert found == ["d: nothing is called 'nowhere'; valid: z"]


def test_a_sub_model_that_contains_itself():
    loop = model({"z": (4,)}, entry("d", None, call="loop"))
    found = problems({"x": (4,)}, entry("a", None, "x", call="loop"), models={"loop": loop})
    assert found == ["models.loop: sub-model 'loop' contains itself"]


def test_a_sub_model_called_with_shapes_that_do_not_fit():
    flat = model({"z": (4,)}, entry("d", {"dense": 4}), name="flat")
    found = problems({"x": (5,)}, entry("a", None, "x", call="flat"), models={"flat": flat})
    assert found == ["a: input 'z' of 'flat' is declared (None, 4), received (None, 5)"]


def test_two_weights_of_one_name():
    inner = model({"z": (4,)}, entry("d", {"dense": 4}), name="other")
    found = problems(
        {"x": (4,)},
        entry("inner/d", {"dense": 4}),
        entry("b", None, call="inner"),
        models={"inner": inner},
    )
    assert found[0] == ("d: a second weight is called 'inner/d/bias'; rename a layer or model")


def test_a_length_that_only_the_call_makes_wrong():
    pool = {"conv2d": {"filters": 2, "kernel_size": 3}}
    inner = model({"z": (None, None, 1)}, entry("c", pool), name="inner")
    found = problems({"x": (2, 9, 1)}, entry("a", None, "x", call="inner"), models={"inner": inner})
    assert found[0].startswith("a: c: a kernel of 3 does not fit an axis of 2")


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"loss": {"z": "mse"}}, "train.loss: no output is called 'z'; valid: p, q"),
        ({"loss": ["mse"]}, "train.loss: 1 for 2 outputs (p, q); write one for each"),
        (
            {"loss": "mse", "weighted_metrics": {"p": [{"recall": {"top_k": 5}}]}},
            "train.weighted_metrics: recall for output 'p': recall expects top_k of at most",
        ),
        ({"loss": ["mse", "mse"], "loss_weights": [1.0]}, "train.loss_weights: 1 for 2 outputs"),
        ({"loss": ["mse", "mse"], "metrics": {"s": ["mae"]}}, "train.metrics: no output is called"),
        (
            {"loss": [None, "categorical_crossentropy"]},
            "train.loss: categorical_crossentropy for output 'q': ",
        ),
        (
            {"loss": ["mse", "mse"], "metrics": {"q": ["mae", {"precision": {"class_id": 1}}]}},
            "train.metrics: precision for output 'q': precision expects class_id below",
        ),
        (
            {"loss": [None, "mse"], "metrics": {"p": [{"recall": {"top_k": 5}}]}},
            "train.metrics: recall for output 'p': recall expects top_k of at most",
        ),
    ],
)
def test_a_loss_or_metric_that_does_not_fit(train, message):
    (found,) = problems(
        {"x": (4,)},
        entry("p", {"dense": 4}, "x"),
        entry("q", {"dense": 1}, "x"),
        outputs=["p", "q"],
        train=TrainSpec.model_validate(train),
    )
    assert found.startswith(message)


def test_what_follows_from_a_broken_entry_is_not_reported():
    assert len(
        problems(
            {"x": (4,)},
            entry("a", {"dense": 3}, "nowhere"),
            entry("b", None, "x", call="a"),
            entry("c", "add", "b", "x"),
            outputs=["c", "a"],
        )
    ) == 1  # fmt: skip


def test_two_inputs_of_one_name_and_a_sub_model_called_like_a_layer():
    made = spec({"x": (4,)}, entry("a", {"dense": 2}))
    twice = replace(made, model=replace(made.model, inputs=made.model.inputs * 2))
    with pytest.raises(SpecError, match=r"inputs\.x: a second input is called 'x'"):
        build(twice)
    inner = model({"z": (4,)}, entry("d", {"dense": 4}), name="a")
    found = problems(
        {"x": (4,)},
        entry("a", {"dense": 4}),
        entry("b", None, "a", call="inner"),
        models={"inner": inner},
    )
    assert found == ["b: a second layer is called 'a'; give it another `name`"]


AT_STEPS = {"time_distributed": {"layer": {"call": "inner"}}}


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (None, "t: nothing under `models:` is called 'inner';"),
        (
            model({"x": (3,), "y": (3,)}, entry("a", "add", "x", "y")),
            "t: expected a model with one input and one output, 'inner' has 2 and 1",
        ),
        (
            model({"x": (4,)}, entry("a", {"dense": 2})),
            "t: input 'x' of 'm' is declared (None, 4), received (None, 3)",
        ),
        (
            model({"x": (2, 3)}, entry("t", AT_STEPS)),
            "models.inner: sub-model 'inner' contains itself",
        ),
    ],
)
def test_a_model_that_a_layer_holds_fits_it(inner, message):
    models = {} if inner is None else {"inner": inner}
    found = problems({"x": (2, 3)}, entry("t", AT_STEPS), models=models)
    assert message in found[0]
