"""Receptive fields against sets of input elements that are followed through loops."""

import math
import random

import pytest

from specc.keras_import import from_keras
from specc.network import build
from specc.receptive import Span, receptive_fields
from tests.golden import app, graphs
from tests.network.specs import entry, model, spec


def seen_by_window(before, n, kernel, stride=1, dilation=1, padding="valid"):
    """What output o of a convolution or pool sees, and the number of outputs."""
    extent = dilation * (kernel - 1) + 1
    out = -(-n // stride) if padding == "same" else (n - extent) // stride + 1
    total = max(0, (out - 1) * stride + extent - n) if padding == "same" else 0
    pad = total // 2

    def after(o):
        return set().union(*(before(o * stride - pad + j * dilation) for j in range(kernel)))

    return after, out


def seen_by_transposed(before, n, kernel, stride, padding="valid"):
    """The same for a transposed convolution whose windows leave no gap."""
    out = n * stride if padding == "same" else (n - 1) * stride + max(kernel, stride)
    pad = max(0, (n - 1) * stride + kernel - out) // 2

    def after(o):
        places = [o + pad - j for j in range(kernel)]
        return set().union(*(before(p // stride) for p in places if p % stride == 0))

    return after, out


def itself(o):
    return {o}


def random_chain(seed):
    """(entries, what an output sees, its length) of a random chain over one axis."""
    rng = random.Random(seed)
    see, n, entries = itself, 60, []
    for i in range(rng.randint(2, 5)):
        kernel, stride = rng.randint(1, 4), rng.randint(1, 3)
        padding = rng.choice(["valid", "same"])
        kind = rng.choice(["conv", "dilated", "pool", "up", "transposed", "pad", "pointwise"])
        if kind == "conv":
            fields = {"kernel_size": kernel, "strides": stride, "padding": padding, "filters": 2}
            layer = {"conv1d": fields}
            see, n = seen_by_window(see, n, kernel, stride, 1, padding)
        elif kind == "dilated":
            fields = {"kernel_size": kernel, "dilation_rate": 2, "padding": padding, "filters": 2}
            layer = {"conv1d": fields}
            see, n = seen_by_window(see, n, kernel, 1, 2, padding)
        elif kind == "pool":
            layer = {"max_pooling1d": {"pool_size": kernel, "strides": stride, "padding": padding}}
            see, n = seen_by_window(see, n, kernel, stride, 1, padding)
        elif kind == "up":
            layer = {"up_sampling1d": 2}
            see, n = seen_by_transposed(see, n, 2, 2)
        elif kind == "transposed":
            kernel = max(kernel, stride)
            fields = {"kernel_size": kernel, "strides": stride, "padding": padding, "filters": 2}
            layer = {"conv1d_transpose": fields}
            see, n = seen_by_transposed(see, n, kernel, stride, padding)
        elif kind == "pad":
            layer = {"zero_padding1d": [2, 1]}
            see, n = (lambda o, before=see: before(o - 2)), n + 3
        else:
            layer = {"dense": 3}
        entries.append(entry(f"l{i}", layer))
    return entries, see, n


def extent(see):
    """Largest extent over many elements."""
    return max(max(s) - min(s) + 1 for s in map(see, range(100, 220)))


@pytest.mark.parametrize("seed", range(60))
def test_chains_against_sets(seed):
    entries, see, n = random_chain(seed)
    network = build(spec({"x": (60, 2)}, *entries))
    assert network.outputs[0].shape[1] == n
    field = receptive_fields(network)[network.calls[-1]]["x"]
    if all(item.layer.key == "dense" for item in entries):
        assert field.axes == ()
        return
    if not field.axes:
        assert extent(see) == 1
        return
    assert field.sizes == (extent(see),)
    (span,) = field.spans
    for o in (0, 1, 2, 3, 7, 12, 101):
        assert span.at(o) == (min(see(o)), max(see(o)))


@pytest.mark.parametrize("seed", range(30))
def test_the_extent_over_two_paths_is_their_union(seed):
    rng = random.Random(seed)
    paths, see = [], []
    for branch in "ab":
        kernel, dilation = rng.randint(1, 4), rng.randint(1, 3)
        fields = {"filters": 2, "kernel_size": kernel, "dilation_rate": dilation, "padding": "same"}
        paths.append(entry(branch, {"conv1d": fields}, "pool"))
        pooled, n = seen_by_window(itself, 60, 3, 2, 1, "valid")
        see.append(seen_by_window(pooled, n, kernel, 1, dilation, "same")[0])
    network = build(
        spec(
            {"x": (60, 2)},
            entry("pool", {"average_pooling1d": {"pool_size": 3, "strides": 2}}),
            *paths,
            entry("sum", "add", "a", "b"),
        )
    )
    field = receptive_fields(network)[network.calls[-1]]["x"]
    both = [see[0](o) | see[1](o) for o in range(100, 120)]
    assert field.sizes == (max(max(s) - min(s) + 1 for s in both),)


@pytest.mark.parametrize(
    ("name", "layer", "size", "jump"),
    [
        ("VGG16", "block5_pool", 212, 32),
        ("ResNet50", "conv5_block3_out", 483, 32),
        ("MobileNetV2", "out_relu", 491, 32),
        ("digits_cnn", "conv2d_2", 18, 4),
    ],
)
def test_published_fields(name, layer, size, jump):
    """Oracle: Araujo, Norris, Sim (2019), table of receptive fields; the last one by hand."""
    network = build(from_keras(app(name)["config.json"]))
    field = receptive_fields(network)[network.node(layer).calls[0]]["input_layer"]
    assert field.sizes == (size, size)
    assert field.jumps == (jump, jump)


def test_a_global_pool_and_a_dense_after_a_flatten_see_everything():
    network = build(
        spec(
            {"x": (20, 30, 3)},
            entry("conv", {"conv2d": {"filters": 2, "kernel_size": 3}}),
            entry("flat", "flatten"),
            entry("dense", {"dense": 4}),
        )
    )
    fields = receptive_fields(network)
    flat, dense = (fields[network.node(name).calls[0]]["x"] for name in ("flat", "dense"))
    assert (flat.sizes, flat.jumps) == ((3, 3), None)
    assert (dense.sizes, dense.jumps) == ((20, 30), None)
    network = build(spec({"x": (None, 30, 3)}, entry("pool", "global_average_pooling2d")))
    assert receptive_fields(network)[network.calls[0]]["x"].sizes == (None, 30)


def test_each_input_has_a_field_of_its_own_and_sub_models_are_followed():
    network = build(from_keras(graphs()["sequential_of_models"]["config"]))
    assert next(iter(receptive_fields(network)[network.calls[0]].values())).sizes == (3, 3)
    tower = model({"z": (12, 2)}, entry("c", {"conv1d": {"filters": 2, "kernel_size": 3}}))
    network = build(
        spec(
            {"a": (12, 2), "b": (8, 2)},
            entry("left", None, "a", call="tower"),
            entry("right", {"conv1d": {"filters": 2, "kernel_size": 5, "padding": "same"}}, "b"),
            entry("long", {"zero_padding1d": 1}, "right"),
            entry("sum", "add", "left", "long"),
            models={"tower": tower},
        )
    )
    fields = receptive_fields(network)[network.calls[-1]]
    assert {name: field.sizes for name, field in fields.items()} == {"a": (3,), "b": (5,)}


def test_a_path_around_a_window_counts():
    """By hand: output i sees i itself and, three places on, i + 3 .. i + 4."""
    network = build(
        spec(
            {"x": (12, 2)},
            entry("crop", {"cropping1d": [3, 0]}, "x"),
            entry("conv", {"conv1d": {"filters": 2, "kernel_size": 2}}, "crop"),
            entry("skip", {"dense": 2}, "x"),
            entry("cut", {"cropping1d": [0, 4]}, "skip"),
            entry("sum", "add", "conv", "cut"),
        )
    )
    assert receptive_fields(network)[network.calls[-1]]["x"].sizes == (5,)


def test_paths_of_different_speed_have_no_common_place():
    network = build(
        spec(
            {"x": (12, 2)},
            entry("slow", {"conv1d": {"filters": 2, "kernel_size": 7}}, "x"),
            entry("fast", {"max_pooling1d": 2}, "x"),
            entry("sum", "add", "slow", "fast"),
            entry("next", {"conv1d": {"filters": 2, "kernel_size": 2}}),
        )
    )
    fields = receptive_fields(network)
    assert fields[network.node("sum").calls[0]]["x"].sizes == (7,)
    assert fields[network.node("sum").calls[0]]["x"].jumps is None
    assert fields[network.node("next").calls[0]]["x"].sizes == (12,)
    assert math.prod(network.outputs[0].shape[1:]) == 10


def test_a_window_of_billions_is_seen_at_once():
    one = Span((0,), (0,), 1)
    assert one.read(2**32, 1, 3, 0).size == 3 * (2**32 - 1) + 1
    spread = one.written(2, 3, 1, 0)
    assert spread.read(2**32, 1, 1, 0).size == 2**32 // 3 + 1
    assert spread.written(2**32, 2, 1, 0).size == 2**31 // 3 + 2
