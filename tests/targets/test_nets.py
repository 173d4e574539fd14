"""Nets on both targets: numbers by NumPy's loops, gradients by differences, at several batches."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from specc import primitives as ops
from specc.primitives import Tensor
from specc.targets.costs import DEFAULT, KernelCosts
from specc.targets.cpu import conv as cpu_conv
from specc.targets.cpu import shifted
from specc.targets.target import TARGETS
from tests.numpy_windows import inside, places
from tests.targets import nets
from tests.targets.nets import NETS
from tests.targets.realised import Array, Make, Net, Realised

# So cheap that tiles do every convolution that they can do.
TILES = KernelCosts(worth=1e9)
on_targets = pytest.mark.parametrize("target", ["portable", "cpu"])
on_nets = pytest.mark.parametrize("make", NETS.values(), ids=NETS)


def close(found: Array, expected: Array) -> None:
    """Equal within float32's error in sums."""
    scale = np.abs(expected).max(initial=0.0)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6 * max(1.0, scale))


@on_targets
@on_nets
def test_outputs_are_numpy_s_at_every_batch(make: Make, target: str) -> None:
    models: set[bytes] = set()
    for batch in (3, 1, 64):
        single, double = (Realised(make, target, batch, floatx=f) for f in ("float32", "float64"))
        models.add(single.model)
        for found, expected in zip(single.onnxruntime().values(), double.expected(), strict=True):
            close(found, expected)
    assert len(models) == 1


@on_targets
@on_nets
def test_gradients_are_right(make: Make, target: str) -> None:
    double = Realised(make, target, 3, grads=True)
    expected = double.check_gradients()
    for found, by_numpy in zip(expected.values(), double.expected(), strict=False):
        np.testing.assert_allclose(found, by_numpy, rtol=1e-10, atol=1e-12)
    single = Realised(make, target, 3, floatx="float32", grads=True)
    for name, found in single.onnxruntime().items():
        close(found, expected[name])


@on_targets
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", ["classifier", "batch_folded", "upsampled", "average_pools"])
def test_a_fixed_batch_gives_the_same(name: str, batch: int, target: str) -> None:
    fixed = Realised(NETS[name], target, batch, floatx="float32", grads=True, fixed=True)
    open_ = Realised(NETS[name], target, batch, floatx="float32", grads=True)
    expected = open_.onnxruntime()
    for key, found in fixed.onnxruntime().items():
        close(found, expected[key])


@pytest.mark.parametrize("name", ["classifier", "residual", "conv_strides_beyond_kernel"])
def test_large_convolutions_of_the_cpu_target(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_conv, "MAX_GATHERED", 0)
    made = Realised(NETS[name], "cpu", 3, grads=True)
    assert "Conv" in made.ops
    made.check_gradients()


@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        "classifier", "conv_5x5_same", "conv_of_convs_same", "conv_of_whole_image",
        "conv_dilated_same", "conv_padded", "conv_1d", "conv_3d", "conv_used_twice",
        "conv_strides_beyond_kernel", "conv_groups",
    ],
)  # fmt: skip
def test_gradients_by_shifted_products(
    name: str, turned: bool, moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_conv, "MAX_GATHERED", 0)
    monkeypatch.setattr(shifted, "_CHANNELS", 1)
    monkeypatch.setattr(shifted, "_PIXELS", 0.0 if turned else np.inf)
    monkeypatch.setattr(shifted, "_moves", lambda *_: moved)
    double = Realised(NETS[name], "cpu", 3, grads=True)
    expected = double.check_gradients()
    single = Realised(NETS[name], "cpu", 3, floatx="float32", grads=True)
    for key, found in single.onnxruntime().items():
        close(found, expected[key])
    assert ("Pad" in double.ops) == (name not in ("conv_strides_beyond_kernel", "conv_groups"))


def test_kernels_of_many_cells_have_no_product_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_conv, "MAX_GATHERED", 0)
    monkeypatch.setattr(shifted, "_CHANNELS", 1)
    monkeypatch.setattr(shifted, "_CELLS", 15)
    made = Realised(NETS["conv_5x5_same"], "cpu", 3, grads=True)
    assert "Pad" not in made.ops
    made.check_gradients()


@on_nets
def test_gradients_by_tiles_wherever_they_can_be(make: Make) -> None:
    double = Realised(make, "cpu", 3, grads=True, costs=TILES)
    expected = double.check_gradients()
    for found, by_numpy in zip(expected.values(), double.expected(), strict=False):
        np.testing.assert_allclose(found, by_numpy, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", ["conv_5x5_same", "conv_of_convs_same", "pools_of_every_size"])
def test_tiles_in_single_precision(name: str) -> None:
    expected = Realised(NETS[name], "cpu", 3, grads=True, costs=TILES).check_gradients()
    made = Realised(NETS[name], "cpu", 3, floatx="float32", grads=True, costs=TILES)
    for key, found in made.onnxruntime().items():
        # The largest tiles lose two more bits than the sums do (see toom_cook.py).
        scale = np.abs(expected[key]).max()
        np.testing.assert_allclose(found, expected[key], rtol=1e-4, atol=1e-5 * scale)


def tiles_chosen(channels: int, costs: KernelCosts = DEFAULT) -> int:
    """Results along a side of the tiles that a 3x3 convolution on 8x8 is cut into; 0: not cut."""
    (conv,) = Realised(
        lambda n: nets.conv(n, n.input(8, 8, channels), 32, same=True), "cpu", 2
    ).tensors
    while conv.op != "conv":
        conv = conv.inputs[0]
    choice = cpu_conv.best_tiles(conv, costs)
    return 0 if choice is None else choice.tiles.outputs


def test_tiles_are_chosen_by_cost() -> None:
    assert tiles_chosen(1) == 0
    assert tiles_chosen(32) > 0
    assert tiles_chosen(32, KernelCosts(transformed=1e6)) == 0
    assert tiles_chosen(1, KernelCosts(gathered=1e4)) == 4


@pytest.mark.parametrize("name", ["conv_5x5_same", "conv_of_convs_same", "classifier"])
def test_costs_choose_the_way_and_not_the_numbers(name: str) -> None:
    cheap, dear = KernelCosts(transformed=1e-3), KernelCosts(transformed=1e6)
    tiled, direct = (Realised(NETS[name], "cpu", 3, grads=True, costs=c) for c in (cheap, dear))
    assert tiled.model != direct.model
    expected = direct.reference()()
    for key, found in tiled.reference()().items():
        name = key.removeprefix("d/")
        pair = [
            each.storage[name].unpack(array, array.shape) if name in each.storage else array
            for each, array in ((tiled, found), (direct, expected[key]))
        ]
        np.testing.assert_allclose(*pair, rtol=1e-9, atol=1e-10)


def test_the_cpu_target_gathers_instead() -> None:
    made = Realised(NETS["classifier"], "cpu", 3, grads=True)
    assert not made.ops & {"Conv", "ConvTranspose", "MaxPool"}


@pytest.mark.parametrize(("length", "op"), [(512, "MatMul"), (32, "ReduceMean")])
def test_squares_are_summed_as_products_along_long_rows(length: int, op: str) -> None:
    def make(n: Net) -> Tensor:
        x = n.input(4, length)
        return ops.reduce_mean(x * x, -1)

    made = Realised(make, "cpu", 3, floatx="float32", fixed=True)
    assert made.ops & {"MatMul", "ReduceMean"} == {op}
    (found,), (expected,) = made.onnxruntime().values(), made.expected()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_cuda_is_realised_as_portable() -> None:
    assert TARGETS["cuda"].rules is TARGETS["portable"].rules
    assert TARGETS["cuda"].planner is None


def first_maxima(t: Tensor, x: Array, dy: Array) -> Array:
    """Each window's dy at its first maximum, in loops: the oracle of ties."""
    dx = np.zeros_like(x)
    for place in places(t.shape[1:-1]):
        cells = [w for _, w in inside(t, place, t.attrs["kernel"], x.shape[1:-1])]
        values = np.array([x[(slice(None), *w)] for w in cells])
        for n, c in np.ndindex(*values.shape[1:]):
            dx[(n, *cells[int(values[:, n, c].argmax())], c)] += dy[(n, *place, c)]
    return dx


TIED = [
    ((2, 2), (2, 2), False),
    ((3, 3), (2, 2), True),
    ((3, 2), (1, 1), True),
    ((2, 2), (3, 3), 0),
]


@on_targets
@pytest.mark.parametrize(("kernel", "strides", "same"), TIED)
@pytest.mark.parametrize("fused", [False, True], ids=["alone", "behind-conv"])
def test_first_of_tied_maxima_has_the_gradient(
    target: str, kernel: tuple[int, int], strides: tuple[int, int], same: bool, fused: bool
) -> None:
    def make(n: Net) -> Tensor:
        x = n.input(6, 7, 2)
        n.feeds[x] = np.random.default_rng(0).integers(1, 3, (3, 6, 7, 2)).astype(n.floatx)
        if fused:
            x = ops.relu(nets.conv(n, x, 2, (1, 1)))
            kernel_, bias = n.weights
            n.weights[kernel_] = np.eye(2, dtype=n.floatx).reshape(1, 1, 2, 2)
            n.weights[bias] = np.zeros(2, n.floatx)
        return nets.pool(ops.max_pool, x, kernel, strides, same=same)

    made = Realised(make, target, 3, floatx="float32", grads=True)
    (x,) = made.net.feeds.values()
    expected = first_maxima(made.tensors[0], x, made.cotangents["u0"])
    np.testing.assert_allclose(made.onnxruntime()["d/in0"], expected, rtol=1e-6, atol=1e-6)


@on_targets
def test_relu_behind_a_fused_pool_is_flat_at_zero(target: str) -> None:
    def make(n: Net) -> Tensor:
        x = n.input(2, 2, 1)
        n.feeds[x] = np.array([[-1, -2, -2, -1], [0, 0, 0, 0], [3, 3, -1, 0]], float).reshape(
            3, 2, 2, 1
        )
        x = ops.relu(nets.conv(n, x, 1, (1, 1)))
        kernel, bias = n.weights
        n.weights[kernel], n.weights[bias] = np.ones((1, 1, 1, 1)), np.zeros(1)
        return nets.pool(ops.max_pool, x)

    made = Realised(make, target, 3, grads=True)
    u = made.cotangents["u0"].ravel()
    found = made.reference()()["d/in0"].reshape(3, 4)
    np.testing.assert_allclose(found, [[0] * 4, [0] * 4, [u[2], 0, 0, 0]])


def test_a_normalised_map_is_not_made_before() -> None:
    """Its statistics are those of NumPy, and the one mean that is taken is the image's."""
    made = Realised(
        lambda n: nets.normalised(n, nets.conv(n, n.input(4, 3, 2), 5, (1, 1), bias=False), 5),
        "cpu",
        3,
        floatx="float32",
    )
    for found, expected in zip(made.onnxruntime().values(), made.expected(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
    ops_made = [node.op_type for node in onnx.load_from_string(made.model).graph.node]
    assert (ops_made.count("ReduceMean"), ops_made.count("Gemm")) == (1, 2)


@on_targets
def test_a_map_of_no_variance_is_flat(target: str) -> None:
    """What rounding leaves of a variance of zero, beside 4,000 of the image, is not negative."""
    made = Realised(lambda n: nets.normalised_map_of_nothing(n, 64), target, 8, floatx="float32")
    y, _, variance = made.onnxruntime().values()
    assert 0.0 <= variance.min() <= variance.max() < 0.1
    np.testing.assert_allclose(y, np.broadcast_to(made.expected()[0][0, 0, 0], y.shape), atol=0.05)


@on_targets
def test_nothing_flows_through_stopped_gradients(target: str) -> None:
    def make(n: Net) -> Tensor:
        x = nets.conv(n, n.input(4, 4, 1), 2)
        return ops.stop_gradient(x) * x + ops.stop_gradient(ops.exp(x))

    def same(n: Net) -> Tensor:
        x = nets.conv(n, n.input(4, 4, 1), 2)
        return x * x * 0.5

    found, expected = (Realised(f, target, 3, grads=True).reference()() for f in (make, same))
    for name in ("d/in0", "d/w0", "d/w1"):
        np.testing.assert_allclose(found[name], expected[name])
