"""The arithmetic in the explanations, checked by evaluating it."""

import itertools
import re

import pytest

from specc.errors import SpeccError
from specc.explanation import explain
from specc.keras_import import from_keras
from specc.network import Network, build
from tests.golden import APPS, app
from tests.network.specs import entry, model, spec

LECTURE = spec(
    {"image": (5, 5, 3)},
    entry("pad", {"zero_padding2d": 1}),
    entry("conv", {"conv2d": {"filters": 2, "kernel_size": 3, "strides": 2}}),
)


def evaluated(text):
    """(value, stated) of every `sum = number` in a text; words between numbers are left out."""
    for line in text.splitlines():
        body = re.split(r"\s{2,}", line.strip(), maxsplit=1)[-1]
        for left, right in itertools.pairwise(body.split(" = ")):
            bare = re.sub(r"[a-z_]+", "", left).split("; ")[-1]
            found = re.search(r"[\d(][\d,()*+/. -]*$", bare)
            stated = re.match(r"[\d,.]*\d", right)
            if found and stated:
                sum_ = found[0].replace(",", "").strip()
                yield eval(sum_), float(stated[0].replace(",", ""))  # noqa: S307 - digits, signs


@pytest.mark.parametrize("name", APPS)
def test_every_sum_is_right_and_ends_at_keras_numbers(name):
    """Oracle: Python evaluates the sums; Keras' shapes and counts are what they must give."""
    case = app(name)
    network = build(from_keras(case["config.json"]))
    text = explain(network)
    checked = list(evaluated(text))
    assert len(checked) > len(network.calls)
    assert [pair for pair in checked if abs(pair[0] - pair[1]) > 1e-9] == []
    told = dict(re.findall(r"^(\S+) \(.*\n(?:  .*\n)*?  parameters .* = ([\d,]+)", text, re.M))
    for layer in case["layers.json"]:
        if layer["param_count"] and not isinstance(network.node(layer["name"]).layer, Network):
            assert told[layer["name"]] == f"{layer['param_count']:,}"


def test_the_lecture_example():
    """By hand: two 3x3 filters, stride 2, padding 1 on 5x5x3 give 3x3x2 from 56 parameters."""
    assert explain(LECTURE, "conv") == "\n".join(
        [
            "conv (Conv2D)",
            "  input                (None, 7, 7, 3)",
            "  output               (None, 3, 3, 2)",
            "  height               (7 - 3 + 2*0)/2 + 1 = 3",
            "  width                (7 - 3 + 2*0)/2 + 1 = 3",
            "  channels             3 in, 2 out",
            "  parameters           3*3*3*2 weights + 2 biases = 56",
            (
                "  work                 3*3*2 outputs * 27 = 486 MACs; "
                "990 FLOPs (2 for each MAC, 18 other)"
            ),
            "  connections          486, each multiplies one input by one weight",
            "  dense instead        147 inputs * 18 outputs = 2,646 connections and weights",
            "  sparse connectivity  5.44 times fewer connections than dense",
            "  parameter sharing    54 weights, each used 9 times",
            "  receptive field      3 x 3, in steps of 2 x 2, of image",
        ]
    )


def lines(layer, shape=(6, 6, 2), **more):
    found = explain(spec({"x": shape}, entry("l", layer), **more), "l").splitlines()
    return {line[2:].split("  ")[0]: line[2:].split("  ", 1)[1].strip() for line in found[1:]}


@pytest.mark.parametrize(
    ("layer", "label", "text"),
    [
        (
            {"conv2d": {"filters": 2, "kernel_size": 3, "padding": "same"}},
            "height",
            "(6 - 3 + 2*1)/1 + 1 = 6",
        ),
        (
            {"conv2d": {"filters": 2, "kernel_size": 2, "padding": "same"}},
            "width",
            "(6 - 2 + 0 + 1)/1 + 1 = 6",
        ),
        (
            {"conv2d": {"filters": 2, "kernel_size": 2, "dilation_rate": 3}},
            "height",
            "(6 - 4 + 2*0)/1 + 1 = 3; 2 cells 3 apart span 3*(2 - 1) + 1 = 4",
        ),
        (
            {"max_pooling2d": 4},
            "height",
            "(6 - 4 + 2*0)/4 + 1 = 1.5, rounded down to 1: the last 2 are in no window",
        ),
        ({"max_pooling2d": 4}, "looks at", "each output looks at 4*4 = 16 inputs of its channel"),
        ({"up_sampling2d": 3}, "height", "6*3 = 18"),
        ({"cropping2d": 1}, "height", "6 - 1 - 1 = 4"),
        (
            {"conv2d_transpose": {"filters": 2, "kernel_size": 2, "strides": 3}},
            "height",
            "(6 - 1)*3 + 2 + 1 added = 18",
        ),
        (
            {"conv2d_transpose": {"filters": 2, "kernel_size": 4, "strides": 2, "padding": "same"}},
            "height",
            "(6 - 1)*2 + 4 - 2 cut off = 12",
        ),
        ("global_max_pooling2d", "positions", "6*6 positions become one"),
        ("flatten", "elements", "6*6*2 = 72, arranged as 72"),
        ({"dense": 5}, "last axis", "5 sums, each over the 2 elements of the last axis"),
        ("re_lu", "shape", "as the input: every element stays in its place"),
        ("flatten", "work", "none: elements are only moved"),
        ("flatten", "parameters", "none"),
        (
            "batch_normalization",
            "parameters",
            "2 gamma + 2 beta + 2 moving_mean + 2 moving_variance = 8; 4 are not trained",
        ),
        (
            {"dense": {"units": 2, "trainable": False}},
            "parameters",
            "2*2 weights + 2 biases = 6; none is trained",
        ),
        # By hand: 72 inputs * 32 outputs = 2,304 dense connections, 4*4*2*9 = 288 real ones.
        ({"depthwise_conv2d": 3}, "sparse connectivity", "8 times fewer connections than dense"),
    ],
)
def test_lines(layer, label, text):
    assert lines(layer)[label].removesuffix(" (moving_mean, moving_variance)") == text


def test_open_lengths_are_question_marks():
    found = lines({"conv2d": {"filters": 2, "kernel_size": 3}}, (None, 6, 2))
    assert found["height"] == "(? - 3 + 2*0)/1 + 1 = ?"
    assert lines({"up_sampling2d": 2}, (None, 6, 2))["height"] == "?*2 = ?"


def test_a_field_larger_than_the_input():
    found = lines({"conv2d": {"filters": 2, "kernel_size": 9, "padding": "same"}})
    assert found["receptive field"] == (
        "9 x 9 (padding included) and so all 6 x 6, in steps of 1 x 1, of x"
    )
    assert found["connections"].startswith("11,664 (those to the padding included), each")


def test_merges_and_shared_layers():
    made = spec(
        {"a": (4,), "b": (4,)},
        entry("d", {"dense": 3}, "a"),
        entry("e", None, "b", call="d"),
        entry("cat", "concatenate", "d", "e"),
        entry("sum", "add", "cat", "cat"),
    )
    assert "  axis 1      3 + 3 = 6, one after the other" in explain(made, "cat")
    assert "  shape       element by element, from 2 inputs" in explain(made, "sum")
    assert "  called       2 times, always with the same weights" in explain(made, "d")


def test_sub_models_are_explained_once_under_their_name():
    inner = model({"z": (4,)}, entry("d", {"dense": 4}), name="inner")
    made = spec(
        {"x": (4,)},
        entry("one", None, "x", call="inner"),
        entry("two", None, "one", call="inner"),
        models={"inner": inner},
    )
    text = explain(made)
    assert text.count("inner/d (Dense)") == 1
    assert "  inside      1 layers, explained below" in text
    assert text.splitlines()[-1] == (
        "m: 20 parameters (20 trained), 32 MACs and 72 FLOPs for one sample"
    )
    assert explain(made, "inner/d").startswith("inner/d (Dense)")


def test_a_layer_that_is_not_there():
    with pytest.raises(SpeccError, match="no layer is called 'con'; did you mean 'conv'"):
        explain(LECTURE, "con")
