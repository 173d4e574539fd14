"""Nets with internal operators against the same nets on the portable target, in float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from specc import primitives as ops
from specc.errors import CompileError, RuntimeSetupError
from specc.internal import internal_ops
from specc.primitives import Tensor
from specc.targets.blocks import InternalOps
from specc.targets.internal import columns
from specc.targets.target import target
from tests.targets.nets import NETS, conv, normalised_map_of_nothing, pool
from tests.targets.realised import Array, Make, Net, Realised

BATCH = 2
CONV = "com.microsoft.nchwc:Conv"
BLOCKED: dict[str, Callable[[Net, int], Tensor]] = {}


@pytest.fixture
def internal() -> InternalOps:
    """The internal operators of this onnxruntime."""
    try:
        return internal_ops()
    except RuntimeSetupError as error:
        pytest.skip(str(error))


def net(make: Callable[[Net, int], Tensor]) -> Callable[[Net, int], Tensor]:
    """Add a net of images whose channels are multiples of the block b."""
    BLOCKED[make.__name__] = make
    return make


def norm(n: Net, x: Tensor) -> Tensor:
    """Batch normalisation by the batch's own moments, as the layer lowers it."""
    mean = ops.reduce_mean(x, range(3))
    centred = x - mean
    variance = ops.reduce_mean(centred * centred, range(3))
    gamma, beta = n.weight(int(x.shape[-1])), n.weight(int(x.shape[-1]))
    return ops.batch_norm_training(x, gamma, beta, mean, variance, 1e-3)


def depthwise(n: Net, x: Tensor, kernel: int = 3, **moves: object) -> Tensor:
    """One filter for each channel."""
    c = int(x.shape[-1])
    return conv(n, x, c, (kernel, kernel), groups=c, **moves)  # pyright: ignore[reportArgumentType]


@net
def from_a_picture(n: Net, b: int) -> Tensor:
    return conv(n, n.input(b, b, 3), b, same=True)


@net
def from_a_picture_in_strides(n: Net, b: int) -> Tensor:
    x = conv(n, n.input(2 * b, 2 * b, 3), b, strides=(2, 2), same=True)
    return conv(n, ops.relu(x), b, same=True)


@net
def more_filters(n: Net, b: int) -> Tensor:
    x = conv(n, n.input(b, b, 3), b, same=True, bias=False)
    return conv(n, x, 2 * b, strides=(2, 2), same=True)


@net
def strides_over_more(n: Net, b: int) -> Tensor:
    x = conv(n, n.input(b + 1, b, 3), b, same=True)
    x = conv(n, x, b, (5, 4), strides=(3, 2), same=True)
    return conv(n, x, b, (2, 3), strides=(1, 2), same=True)


@net
def other_windows(n: Net, b: int) -> Tensor:
    x = conv(n, n.input(b + 2, b, 3), b, (5, 3), same=True)
    return conv(n, x, b, (3, 3), dilations=(2, 2), same=True)


@net
def of_each_channel(n: Net, b: int) -> Tensor:
    return depthwise(n, depthwise(n, n.input(7, 9, 2 * b), same=True))


@net
def of_each_channel_in_strides(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(9, 8, 2 * b), strides=(2, 2), same=True)
    return depthwise(n, ops.relu(x), 5, strides=(2, 1), same=True)


@net
def of_each_channel_dilated(n: Net, b: int) -> Tensor:
    return depthwise(n, n.input(9, 8, b), dilations=(2, 1), same=True)


@net
def points(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(b // 2, b, b), same=True)
    return conv(n, ops.relu(conv(n, x, 3 * b, (1, 1))), 2 * b, (1, 1), bias=False)


@net
def points_of_small_maps(n: Net, b: int) -> Tensor:
    return conv(n, depthwise(n, n.input(3, 3, b), same=True), 2 * b, (1, 1))


@net
def points_in_strides(n: Net, b: int) -> Tensor:
    x = conv(n, n.input(b, b, 3), b, same=True)
    return conv(n, x, 2 * b, (1, 1), strides=(2, 2), same=True)


@net
def fewer_channels_than_a_block(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(6, 6, b), same=True, bias=False)
    return conv(n, norm(n, conv(n, x, b // 2, (1, 1), bias=False)), 2 * b, (1, 1))


@net
def channels_beyond_a_block(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(6, 6, b), same=True, bias=False)
    x = norm(n, conv(n, x, b + b // 2, (1, 1), bias=False))
    x = ops.relu(x + norm(n, conv(n, x, b + b // 2, (1, 1), bias=False)))
    return conv(n, x, 2 * b, (1, 1)) * ops.reduce_mean(x)


@net
def channels_of_other_blocks(n: Net, b: int) -> Tensor:
    """Neither the front of an image in blocks, nor every second channel, is followed by zeros."""
    x = depthwise(n, n.input(6, 6, 2 * b), same=True, bias=False)
    x = norm(n, ops.slice_axis(x, 3, 4, b + 8)) + norm(n, ops.slice_axis(x, 3, b - 4, 2 * b))
    y = depthwise(n, n.input(6, 6, b), same=True, bias=False)
    y = ops.slice_axis(y, 3, 0, b, 2)
    return conv(n, x, 2 * b, (1, 1)) + conv(n, norm(n, y), 2 * b, (1, 1))


@net
def normalised(n: Net, b: int) -> Tensor:
    # A bias in front of a normalisation has no gradient but rounding.
    x = depthwise(n, n.input(4, 6, 2 * b), bias=False)
    x = depthwise(n, ops.relu(norm(n, x)), same=True, bias=False)
    x = conv(n, ops.capped_relu(norm(n, x), 0.5), b, (1, 1), bias=False)
    return norm(n, x)


@net
def expanded(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(4, 6, b), same=True, bias=False)
    x = ops.capped_relu(norm(n, conv(n, x, 3 * b, (1, 1), bias=False)), 0.7)
    return norm(n, conv(n, x, 6 * b, (1, 1)))  # a bias that only the mean has


@net
def expanded_from_less_than_a_block(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(4, 4, b), same=True, bias=False)
    x = ops.relu(norm(n, conv(n, x, b // 2, (1, 1), bias=False)))
    return ops.relu(norm(n, conv(n, x, 2 * b, (1, 1), bias=False)))


@net
def residual(n: Net, b: int) -> Tensor:
    x = conv(n, n.input(b, b, 3), b, same=True)
    y = ops.relu(x + norm(n, conv(n, x, b, same=True, bias=False)))
    z = norm(n, depthwise(n, y, same=True, bias=False)) + y
    return z * z


@net
def averages(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(4, 6, 2 * b), same=True)
    return ops.reduce_mean(x, (1, 2)) * ops.reduce_mean(x, (0, 1, 2))


@net
def variance_with_a_gradient(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(4, 6, 2 * b), same=True)
    centred = x - ops.reduce_mean(x, range(3))
    return ops.reduce_mean(centred * centred, range(3))


@net
def pooled(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(7, 6, b), same=True)
    return pool(ops.max_pool, pool(ops.max_pool, x, (3, 3), (2, 2), same=True))


@net
def back_to_batch_last(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(6, 6, b), same=True)
    return pool(ops.average_pool, conv(n, x, 3))


@net
def padded(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(6, 7, b), same=True)
    x = ops.pad(ops.relu(x), ((0, 0), (1, 2), (0, 1), (0, 0)))
    return pool(ops.max_pool, x, (3, 3), (2, 2))


@net
def two_ways_meet(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(6, 6, b), same=True)
    return ops.relu(x + conv(n, x, b, same=True)) + x


@net
def rows_that_fill_no_block(n: Net, b: int) -> Tensor:
    return conv(n, n.input(7, b + 3, 3), b, strides=(2, 2), same=True)


@net
def averaged(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(7, 9, b), same=True)
    return pool(ops.average_pool, pool(ops.average_pool, x), (3, 3), (1, 1))


@net
def one_behind_the_other(n: Net, b: int) -> Tensor:
    x = depthwise(n, n.input(4, 5, b), same=True)
    y = conv(n, x, 2 * b, (1, 1))
    z = conv(n, ops.concat([y, x], 3), b, (1, 1))
    return ops.concat([ops.concat([x, z], 1), n.input(8, 5, b)], 2)


@net
def without_a_bias_behind_a_pad(n: Net, b: int) -> Tensor:
    x = ops.pad(n.input(6, 6, b), ((0, 0), (0, 1), (0, 1), (0, 0)))
    return depthwise(n, x, strides=(2, 2), bias=False)


def compare(make: Make, internal: InternalOps, batch: int = BATCH) -> Realised:
    """Outputs and gradients; weights' gradients as named arrays, however they are stored.

    A gradient that is not there is zero.
    """
    found = Realised(
        make, "cpu", batch, floatx="float32", grads=True, fixed=True, internal=internal
    )
    plain = Realised(make, "portable", batch, floatx="float32", grads=True, fixed=True)
    ours, theirs = named(found), named(plain)
    assert set(ours) <= set(theirs)
    for name, expected in theirs.items():
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        np.testing.assert_allclose(
            ours.get(name, np.zeros_like(expected)),
            expected,
            rtol=2e-4,
            atol=6e-6 * scale,
            err_msg=name,
        )
    return found


def named(made: Realised) -> dict[str, Array]:
    """What a net gives, gradients of weights unpacked."""
    shapes = {f"d/{w.attrs['name']}": a.shape for w, a in made.net.weights.items()}
    return {
        name: made.storage[name[2:]].unpack(x, shapes[name]) if name in shapes else x
        for name, x in sorted(made.onnxruntime().items())
    }


@pytest.mark.parametrize("make", BLOCKED.values(), ids=BLOCKED)
def test_in_blocks_as_on_the_portable_target(
    make: Callable[[Net, int], Tensor], internal: InternalOps
) -> None:
    made = compare(lambda n: make(n, internal.block), internal)
    assert CONV in made.ops


@pytest.mark.parametrize("make", NETS.values(), ids=NETS)
def test_every_other_net_is_right_too(make: Make, internal: InternalOps) -> None:
    compare(make, internal, 3)


def test_a_normalised_sum_with_its_activation_is_one_operator(internal: InternalOps) -> None:
    made = Realised(
        lambda n: residual(n, internal.block), "cpu", BATCH, floatx="float32", fixed=True,
        internal=internal,
    )  # fmt: skip
    assert "Relu" not in made.ops


def test_columns_that_take_turns(internal: InternalOps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_MOST", 1)
    for make in (more_filters, strides_over_more):
        compare(lambda n, make=make: make(n, internal.block), internal)


def test_an_expansion_where_nothing_lies_in_blocks(internal: InternalOps) -> None:
    def make(n: Net) -> Tensor:
        x = ops.transpose(n.input(9, 3, 3), (0, 2, 3, 1))
        return ops.relu(norm(n, conv(n, x, 2 * internal.block, (1, 1), bias=False)))

    made = compare(make, internal)
    assert CONV not in made.ops


def test_an_expansion_of_no_variance_is_flat(internal: InternalOps) -> None:
    made = Realised(
        lambda n: normalised_map_of_nothing(n, 4 * internal.block), "cpu", 8, floatx="float32",
        fixed=True, internal=internal,
    )  # fmt: skip
    assert CONV in made.ops
    y, _, variance = made.onnxruntime().values()
    assert 0.0 <= variance.min() <= variance.max() < 0.1
    np.testing.assert_allclose(y, np.broadcast_to(made.expected()[0][0, 0, 0], y.shape), atol=0.05)


def test_an_open_batch_has_no_internal_operators(internal: InternalOps) -> None:
    made = Realised(
        lambda n: normalised(n, internal.block), "cpu", BATCH, floatx="float32", internal=internal
    )
    assert not any(":" in op for op in made.ops)


def test_double_precision_has_no_internal_operators(internal: InternalOps) -> None:
    made = Realised(
        lambda n: normalised(n, internal.block), "cpu", BATCH, fixed=True, internal=internal
    )
    assert not any(":" in op for op in made.ops)


@pytest.mark.parametrize("name", ["portable", "cuda"])
def test_only_the_cpu_target_has_them(name: str) -> None:
    with pytest.raises(CompileError, match=f"target {name}: expected cpu, the target that can use"):
        target(name).allowed(InternalOps("1.32.0", 16))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"runtime": "1.32.0", "block": 12}, "block: expected 8 or 16, received 12"),
        ({"runtime": "1.32.0", "block": True}, "block: expected 8 or 16, received True"),
        ({"block": 16}, "runtime: expected a version, received None"),
        ([], "block: expected 8 or 16, received None"),
    ],
)
def test_what_says_no_onnxruntime_is_refused(values: object, told: str) -> None:
    with pytest.raises(CompileError, match=told):
        InternalOps.of(values)
