"""Small nets in primitives that make layouts meet: every path from one op's layout to another's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from specc import primitives as ops
from specc.primitives import Tensor
from specc.shapes import same_pads
from specc.tensors import Sym, product
from tests.targets.realised import Make, Net

NETS: dict[str, Make] = {}


def net(make: Make) -> Make:
    """Add a net under its function's name."""
    NETS[make.__name__] = make
    return make


def conv(
    n: Net,
    x: Tensor,
    filters: int,
    kernel: Sequence[int] = (3, 3),
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    *,
    same: bool = False,
    bias: bool = True,
    groups: int = 1,
    w: Tensor | None = None,
) -> Tensor:
    """A convolution with new weights."""
    spatial = len(kernel)
    strides, dilations = strides or (1,) * spatial, dilations or (1,) * spatial
    sizes = [d for d in x.shape[1:-1] if isinstance(d, int)]
    pads = [
        same_pads(*each) if same else (0, 0)
        for each in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    (channels,) = (d for d in x.shape[-1:] if isinstance(d, int))
    kernel_ = n.weight(*kernel, channels // groups, filters) if w is None else w
    b = n.weight(filters) if bias else None
    return ops.conv(x, kernel_, b, strides=strides, pads=pads, dilations=dilations, groups=groups)


def pool(
    op: Callable[..., Tensor],
    x: Tensor,
    kernel: Sequence[int] = (2, 2),
    strides: Sequence[int] | None = None,
    *,
    same: bool = False,
) -> Tensor:
    """A pool; its strides are its kernel unless given."""
    strides = strides or kernel
    sizes = [d for d in x.shape[1:-1] if isinstance(d, int)]
    pads = [
        same_pads(*each) if same else (0, 0) for each in zip(sizes, kernel, strides, strict=True)
    ]
    return op(x, kernel=kernel, strides=strides, pads=pads)


def flat(x: Tensor) -> Tensor:
    """One axis behind the batch."""
    return ops.reshape(x, (x.shape[0], product(x.shape[1:])))


def dense(n: Net, x: Tensor, units: int) -> Tensor:
    """A dense layer with new weights."""
    (features,) = (d for d in x.shape[-1:] if isinstance(d, int))
    return ops.dense(x, n.weight(features, units), n.weight(units))


@net
def classifier(n: Net) -> Tensor:
    x = pool(ops.max_pool, ops.relu(conv(n, n.input(10, 9, 1), 3)))
    x = pool(ops.max_pool, ops.relu(conv(n, x, 4, (2, 2))))
    return ops.softmax(dense(n, ops.relu(dense(n, flat(x), 5)), 3))


@net
def conv_flatten_dense(n: Net) -> Tensor:
    return dense(n, flat(conv(n, n.input(5, 4, 2), 3)), 4)


@net
def conv_dense_on_channels(n: Net) -> Tensor:
    return dense(n, conv(n, n.input(4, 5, 2), 3, (2, 2)), 4)


@net
def fused_pool_without_relu(n: Net) -> Tensor:
    return pool(ops.max_pool, conv(n, n.input(6, 7, 2), 3))


@net
def fused_pool_without_bias(n: Net) -> Tensor:
    return pool(ops.max_pool, ops.relu(conv(n, n.input(6, 7, 2), 3, bias=False)))


@net
def fused_pool_of_nothing(n: Net) -> Tensor:
    return pool(ops.max_pool, conv(n, n.input(6, 5, 1), 2, bias=False))


@net
def fused_pool_of_short_columns(n: Net) -> Tensor:
    """Columns of 4 pixels for 6 results: the kernel's gradient is of the columns' differences."""
    return pool(ops.max_pool, ops.relu(conv(n, n.input(6, 7, 1), 6, (2, 2))))


def normalised(n: Net, x: Tensor, channels: int) -> list[Tensor]:
    """Batch normalisation with the statistics of x, and these."""
    axes = range(x.rank - 1)
    mean = ops.reduce_mean(x, axes)
    centred = x - mean
    variance = ops.reduce_mean(centred * centred, axes)
    scale, offset = n.weight(channels), n.weight(channels)
    return [ops.batch_norm_training(x, scale, offset, mean, variance, 1e-3), mean, variance]


@net
def normalised_map(n: Net) -> Tensor:
    """A convolution of 1 x 1 with three times as many results as channels, normalised."""
    x = ops.tanh(conv(n, n.input(5, 4, 2), 2))
    return ops.relu(normalised(n, conv(n, x, 6, (1, 1), bias=False), 6)[0])


@net
def normalised_map_and_its_input(n: Net) -> Tensor:
    """The image that is mapped has another reader, and the map another convolution behind it."""
    x = n.input(4, 3, 2)
    y = normalised(n, conv(n, x, 5, (1, 1), bias=False), 5)[0]
    return ops.concat([flat(conv(n, ops.sigmoid(y), 2, (2, 2))), flat(x)], -1)


@net
def normalised_map_of_a_padded_image(n: Net) -> Tensor:
    """The zeros around the image count in its statistics."""
    x = ops.pad(n.input(3, 4, 2), [(0, 0), (1, 0), (1, 1), (0, 0)])
    return normalised(n, conv(n, x, 6, (1, 1), bias=False), 6)[0]


@net
def normalised_map_that_is_read(n: Net) -> Tensor:
    """The map's own result has another reader, so it has to be made."""
    y = conv(n, n.input(4, 3, 2), 5, (1, 1), bias=False)
    return normalised(n, y, 5)[0] + y


def affine(n: Net, x: Tensor) -> Tensor:
    """x times a vector and another added, as layer normalisations learn them."""
    return x * ops.reshape(n.weight(4), (1, 1, 4)) + n.weight(4)


@net
def dense_behind_vectors(n: Net) -> list[Tensor]:
    """Two products of the same normal values, and one that reads them as they are."""
    x = affine(n, ops.standardised(n.input(5, 4), [-1], 1e-3))
    return [ops.tanh(dense(n, x, 6)), dense(n, x, 3), ops.sigmoid(x)]


@net
def wide_dense_behind_vectors(n: Net) -> Tensor:
    """Results of which a sample has enough for their bias to join the product."""
    return ops.sin(dense(n, affine(n, n.input(512, 4)), 64))


@net
def dense_behind_other_sums(n: Net) -> Tensor:
    """What is added has another value for each position."""
    x = n.input(5, 4)
    return dense(n, x * n.weight(5, 1) + n.weight(5, 4), 3)


def normalised_map_of_nothing(n: Net, filters: int) -> list[Tensor]:
    """Three colours in one proportion, up to 255, and maps that are orthogonal to it."""
    x, rng, colours = n.input(16, 16, 3), np.random.default_rng(1), np.array([1.0, 0.83, 0.71])
    n.feeds[x] = (rng.uniform(0, 255, (n.batch, 16, 16, 1)) * colours).astype(n.floatx)
    y = conv(n, x, filters, (1, 1), bias=False)
    (w,), maps = n.weights, rng.normal(size=(3, filters))
    maps -= np.outer(colours, colours @ maps) / (colours @ colours)
    n.weights[w] = maps.reshape(1, 1, 3, filters).astype(n.floatx)
    return normalised(n, y, filters)


def attended(n: Net, weights: Tensor) -> Tensor:
    """Values of 4 features in places of 5 keys, weighed."""
    return ops.matmul(weights, ops.tanh(n.input(2, 5, 4)))


def scored(n: Net) -> Tensor:
    """Scores of 3 queries in 2 heads."""
    return ops.sin(n.input(2, 3, 5) * 4.0)


@net
def softmax_of_scores(n: Net) -> Tensor:
    return attended(n, ops.softmax(scored(n)))


@net
def masked_softmax_of_scores(n: Net) -> Tensor:
    scores = scored(n)
    mask = scores.trace.constant(np.tri(3, 5, 2, dtype=np.bool_), "bool")
    return attended(n, ops.masked_softmax(scores, mask))


@net
def masked_softmax_of_hidden_rows(n: Net) -> Tensor:
    """A computed mask that hides whole rows: they weigh alike, and their scores change nothing."""
    scores = scored(n)
    mask = ops.greater_equal(ops.stop_gradient(scores), 0.99)
    return attended(n, ops.masked_softmax(scores, mask)) * 2.0


@net
def softmax_of_which_some_is_kept(n: Net) -> Tensor:
    scores = scored(n)
    keep = ops.cast(ops.greater_equal(ops.stop_gradient(scores), 0.1), scores.dtype) * 1.25
    return attended(n, ops.softmax(scores) * keep)


def in_sight(n: Net, mask: np.ndarray, keep: Tensor | None = None) -> Tensor:
    """Attention in 2 heads under a constant mask (queries, keys)."""
    queries, keys = mask.shape
    q, k, v = ops.sin(n.input(2, queries, 3)), ops.cos(n.input(2, keys, 3)), n.input(2, keys, 4)
    scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))
    weights = ops.masked_softmax(scores, n.trace.constant(mask, "bool"))
    return ops.matmul(weights if keep is None else weights * keep, v * 9.0)


@net
def attention_to_what_came_before(n: Net) -> Tensor:
    return in_sight(n, np.tri(128, dtype=np.bool_))


@net
def attention_to_neighbours(n: Net) -> Tensor:
    near = np.abs(np.subtract.outer(np.arange(193), np.arange(193))) < 30
    return in_sight(n, near)


@net
def attention_that_misses_keys(n: Net) -> Tensor:
    mask = np.tri(130, 200, 20, dtype=np.bool_)
    mask[:, :7] = False
    return in_sight(n, mask)


@net
def attention_to_what_came_before_and_is_kept(n: Net) -> Tensor:
    drawn = ops.greater_equal(ops.stop_gradient(n.input(2, 128, 128)), 0.1)
    keep = ops.cast(drawn, drawn.trace.floatx) * 1.25
    return in_sight(n, np.tri(128, dtype=np.bool_), keep)


@net
def softmax_that_is_read_twice(n: Net) -> list[Tensor]:
    weights = ops.softmax(scored(n))
    return [attended(n, weights), weights]


@net
def softmax_times_what_is_learnt(n: Net) -> Tensor:
    scores = scored(n)
    return attended(n, ops.softmax(scores) * ops.sigmoid(scores))


@net
def fused_overlapping_pool(n: Net) -> Tensor:
    return pool(ops.max_pool, ops.relu(conv(n, n.input(7, 7, 1), 3)), (3, 3), (2, 2))


@net
def fused_padded_pool(n: Net) -> Tensor:
    return pool(ops.max_pool, ops.relu(conv(n, n.input(7, 6, 1), 3)), (3, 2), (2, 2), same=True)


@net
def fused_sparse_pool(n: Net) -> Tensor:
    return pool(ops.max_pool, ops.relu(conv(n, n.input(9, 8, 1), 3, (2, 2))), (2, 1), (3, 2))


@net
def fused_whole_pool(n: Net) -> Tensor:
    return pool(ops.max_pool, ops.relu(conv(n, n.input(5, 5, 1), 3)), (3, 3))


@net
def fused_same_strided_conv(n: Net) -> Tensor:
    x = conv(n, n.input(7, 6, 2), 3, (4, 2), (2, 1), same=True)
    return pool(ops.max_pool, ops.relu(x))


@net
def relu_used_twice(n: Net) -> Tensor:
    x = ops.relu(conv(n, n.input(6, 6, 1), 2))
    return ops.concat([flat(pool(ops.max_pool, x)), flat(x)], -1)


@net
def conv_used_twice(n: Net) -> list[Tensor]:
    x = conv(n, n.input(6, 6, 1), 2)
    return [pool(ops.max_pool, ops.relu(x)), ops.tanh(x)]


@net
def conv_is_an_output(n: Net) -> list[Tensor]:
    x = conv(n, n.input(6, 6, 1), 2)
    return [pool(ops.max_pool, x), x]


@net
def relu_twice_before_pool(n: Net) -> Tensor:
    return pool(ops.max_pool, ops.relu(ops.relu(conv(n, n.input(6, 6, 1), 2))))


@net
def activation_before_pool(n: Net) -> Tensor:
    return pool(ops.max_pool, ops.tanh(conv(n, n.input(6, 6, 1), 2)))


@net
def pool_of_input_and_pool(n: Net) -> Tensor:
    x = pool(ops.max_pool, n.input(8, 7, 2), (2, 2), (1, 1))
    return pool(ops.max_pool, x, (3, 2), (2, 2), same=True)


@net
def residual(n: Net) -> Tensor:
    x = n.input(5, 6, 3)
    y = ops.relu(conv(n, x, 3, same=True))
    y = conv(n, y, 3, same=True)
    return dense(n, flat(ops.relu(x + y)), 2)


@net
def residual_with_projection(n: Net) -> Tensor:
    x = n.input(6, 5, 2)
    y = conv(n, x, 4, (3, 3), (2, 2), same=True)
    return conv(n, x, 4, (1, 1), (2, 2), same=True) + y


@net
def branches(n: Net) -> Tensor:
    x = n.input(6, 6, 2)
    parts = [
        conv(n, x, 3, (1, 1)),
        conv(n, x, 1, (3, 3), same=True),
        pool(ops.average_pool, x, (3, 3), (1, 1), same=True),
        x,
    ]
    return conv(n, ops.concat(parts, -1), 2, (2, 2))


@net
def branches_by_rows(n: Net) -> Tensor:
    x = n.input(5, 4, 2)
    y = ops.concat([conv(n, x, 2, (2, 1)), x, pool(ops.max_pool, x, (5, 1))], 1)
    return dense(n, flat(y), 2)


@net
def moves_between_convs(n: Net) -> Tensor:
    x = conv(n, n.input(6, 5, 2), 3)
    x = ops.transpose(x, (0, 2, 1, 3))
    x = ops.slice_axis(x, 2, 3, 0, -1)
    x = ops.pad(x, [(0, 0), (1, 0), (0, 2), (0, 0)])
    x = ops.reshape(x, (x.shape[0], 5, 4, 3))
    return conv(n, x, 2, (2, 2))


@net
def reshape_across_cuts(n: Net) -> Tensor:
    x = conv(n, n.input(6, 4, 1), 3, (2, 2))
    y = ops.reshape(x, (x.shape[0], 9, 5))
    return dense(n, ops.transpose(y, (0, 2, 1)), 2)


@net
def batch_in_another_place(n: Net) -> Tensor:
    x = conv(n, n.input(4, 5, 2), 3, (2, 2))
    x = ops.transpose(x, (3, 1, 0, 2))
    return ops.reduce_sum(ops.exp(x), 1)


@net
def batch_folded(n: Net) -> Tensor:
    x = conv(n, n.input(5, 4, 2), 3, (2, 2))
    rows = ops.reshape(x, (Sym(4) if not n.fixed else 4 * n.batch, 9))
    return ops.softmax(dense(n, rows, 4))


@net
def upsampled(n: Net) -> Tensor:
    x = conv(n, n.input(3, 4, 2), 2, (2, 2))
    a, b, c, d = x.shape
    x = ops.broadcast_to(ops.reshape(x, (a, b, 1, c, 1, d)), (a, b, 2, c, 2, d), like=x)
    return conv(n, ops.reshape(x, (a, 4, 6, 2)), 2, (3, 3))


@net
def conv_5x5_same(n: Net) -> Tensor:
    return conv(n, conv(n, n.input(6, 9, 2), 3, (5, 5), same=True), 2, (4, 4))


@net
def conv_of_convs_same(n: Net) -> Tensor:
    x = ops.relu(conv(n, n.input(8, 12, 2), 3, same=True))
    return conv(n, ops.relu(conv(n, x, 2, (3, 3), (2, 2), same=True)), 3) + 1.0


@net
def pools_of_every_size(n: Net) -> list[Tensor]:
    x = conv(n, n.input(13, 13, 2), 3)
    y = pool(ops.max_pool, ops.relu(conv(n, x, 2, same=True)), (3, 3))
    return [y, pool(ops.max_pool, conv(n, x, 2, (2, 2)), (4, 4)), flat(x)]


@net
def conv_1x1(n: Net) -> Tensor:
    return conv(n, ops.relu(conv(n, n.input(3, 4, 2), 3, (1, 1))), 2, (1, 1), (2, 2))


@net
def conv_of_whole_image(n: Net) -> Tensor:
    return conv(n, n.input(3, 4, 2), 3, (3, 4))


@net
def conv_strides_beyond_kernel(n: Net) -> Tensor:
    return conv(n, n.input(8, 9, 1), 2, (2, 2), (3, 4))


@net
def conv_dilated_same(n: Net) -> Tensor:
    return conv(n, n.input(7, 6, 1), 2, (3, 2), None, (2, 3), same=True)


@net
def conv_leftover_columns(n: Net) -> Tensor:
    return conv(n, n.input(7, 8, 2), 2, (3, 3), (2, 3))


@net
def conv_groups(n: Net) -> Tensor:
    x = conv(n, n.input(6, 6, 4), 6, groups=2)
    return pool(ops.max_pool, ops.relu(x))


@net
def conv_depthwise(n: Net) -> Tensor:
    x = conv(n, n.input(5, 6, 3), 6, (3, 2), (2, 1), same=True, groups=3)
    return conv(n, x, 2, (1, 1))


@net
def conv_depthwise_strides(n: Net) -> Tensor:
    x = conv(n, n.input(9, 8, 3), 3, (3, 3), (2, 2), same=True, groups=3)
    return conv(n, x, 3, (2, 3), (1, 2), groups=3, bias=False)


@net
def conv_depthwise_blocks(n: Net) -> Tensor:
    x = conv(n, n.input(32, 4, 2), 2, (3, 3), same=True, groups=2)
    return conv(n, ops.relu(x), 2, (5, 2), (4, 1), groups=2, same=True)


@net
def conv_depthwise_dilated(n: Net) -> Tensor:
    x = conv(n, n.input(9, 7, 2), 2, (3, 2), None, (2, 3), same=True, groups=2)
    # A kernel of one tap, and one whose step leaves pixels out.
    x = conv(n, x, 2, (1, 1), (3, 2), groups=2)
    return conv(n, x, 2, (2, 2), groups=2)


@net
def conv_padded(n: Net) -> Tensor:
    around = [(0, 0), (0, 1), (2, 1), (0, 0)]
    x = ops.pad(n.input(6, 5, 3), around)
    x = conv(n, x, 3, (3, 3), (2, 2), groups=3) + conv(n, ops.pad(x, around), 3, (4, 7), (2, 2))
    # Padding that is no zeros, or of channels, stays.
    x = conv(n, ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="edge"), 2)
    return conv(n, ops.pad(x, [(0, 0), (1, 1), (0, 0), (0, 1)]), 2, (2, 2))


@net
def conv_1d(n: Net) -> Tensor:
    x = ops.relu(conv(n, n.input(9, 2), 3, (3,), same=True))
    x = pool(ops.max_pool, x, (2,))
    return dense(n, ops.reduce_max(conv(n, x, 2, (2,), None, (2,)), 1), 2)


@net
def conv_3d(n: Net) -> Tensor:
    x = pool(
        ops.max_pool, ops.relu(conv(n, n.input(4, 5, 4, 1), 2, (2, 2, 2))), (2, 2, 2), (1, 2, 1)
    )
    return conv(n, x, 2, (1, 2, 2), (1, 1, 1), same=True)


@net
def conv_transposed(n: Net) -> Tensor:
    x = conv(n, n.input(4, 5, 2), 3, (2, 2))
    x = ops.conv_transpose(
        x, n.weight(3, 2, 4, 3), n.weight(4), strides=(2, 3), pads=((1, 0), (0, 0)), output=(7, 12)
    )
    return conv(n, ops.relu(x), 1, (2, 2))


@net
def conv_transposed_1d_dilated(n: Net) -> Tensor:
    return ops.conv_transpose(
        n.input(4, 2), n.weight(3, 3, 2), strides=(2,), pads=((1, 1),), output=(10,), dilations=(2,)
    )


@net
def average_pools(n: Net) -> Tensor:
    x = pool(ops.average_pool, conv(n, n.input(7, 7, 1), 2, (2, 2)), (3, 2), (2, 3), same=True)
    return pool(ops.average_pool, x, (2, 1), (1, 1))


@net
def normalised_in_training(n: Net) -> Tensor:
    x = conv(n, n.input(4, 5, 2), 3, (2, 2))
    mean = ops.reduce_mean(x, (0, 1, 2))
    centred = x - mean
    variance = ops.reduce_mean(centred * centred, (0, 1, 2))
    y = centred * (n.weight(3) / ops.sqrt(variance + 1e-3)) + n.weight(3)
    return pool(ops.max_pool, ops.relu(y), (3, 4))


@net
def normalised_for_inference(n: Net) -> Tensor:
    x = conv(n, n.input(4, 5, 2), 3, (2, 2))
    variance = ops.exp(n.weight(3))
    y = ops.batch_norm(x, n.weight(3), n.weight(3), n.weight(3), variance, 1e-3)
    return flat(y)


@net
def normalised_by_layer(n: Net) -> Tensor:
    x = conv(n, n.input(4, 5, 2), 3, (2, 2))
    centred = x - ops.reduce_mean(x, -1, keepdims=True)
    y = centred / ops.sqrt(ops.reduce_mean(centred * centred, -1, keepdims=True) + 0.1)
    return dense(n, y * n.weight(3), 2)


@net
def squeeze_and_excite(n: Net) -> Tensor:
    x = conv(n, n.input(5, 4, 2), 4, (2, 2))
    gate = ops.sigmoid(dense(n, ops.relu(dense(n, ops.reduce_mean(x, (1, 2)), 2)), 4))
    return x * ops.reshape(gate, (gate.shape[0], 1, 1, 4))


@net
def shared_convolution(n: Net) -> Tensor:
    w = n.weight(3, 3, 2, 2)
    x = ops.relu(conv(n, n.input(6, 5, 2), 2, same=True, w=w))
    return pool(ops.max_pool, ops.relu(conv(n, x, 2, w=w)))


@net
def weight_read_in_several_ways(n: Net) -> list[Tensor]:
    w = n.weight(12, 3)
    image = conv(n, n.input(3, 4, 1), 2, (2, 2))
    first = ops.dense(flat(image), w)
    second = ops.dense(n.input(12), w)
    return [first * second, ops.reduce_sum(w * w), ops.matmul(first, ops.transpose(w, (1, 0)))]


@net
def kernel_penalised(n: Net) -> list[Tensor]:
    w = n.weight(2, 2, 2, 3)
    penalty = ops.reduce_sum(w * w) + ops.reduce_sum(ops.absolute(w))
    return [penalty, conv(n, n.input(4, 4, 2), 3, (2, 2), w=w)]


@net
def single_features(n: Net) -> Tensor:
    x = dense(n, n.input(1), 3)
    y = dense(n, x, 1)
    return dense(n, ops.concat([y, conv_column(n)], -1), 1)


def conv_column(n: Net) -> Tensor:
    """One number a sample, out of an image of one pixel at the end."""
    return flat(conv(n, n.input(2, 2, 1), 1, (2, 2)))


@net
def attention(n: Net) -> Tensor:
    x = n.input(4, 6)
    q, k, v = (ops.reshape(dense(n, x, 6), (x.shape[0], 4, 2, 3)) for _ in range(3))
    q, k, v = (ops.transpose(t, (0, 2, 1, 3)) for t in (q, k, v))
    scores = ops.softmax(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) * 0.5)
    y = ops.transpose(ops.matmul(scores, v), (0, 2, 1, 3))
    return dense(n, ops.reshape(y, x.shape), 6)


@net
def embedded(n: Net) -> Tensor:
    x = ops.gather_rows(n.weight(5, 3), n.ids(5, 7))
    return ops.reduce_max(ops.relu(conv(n, x, 4, (3,), same=True)), 1)


@net
def two_towers(n: Net) -> list[Tensor]:
    image = flat(conv(n, n.input(4, 4, 1), 2, (2, 2), (2, 2)))
    joined = ops.concat([image, dense(n, n.input(3), 2), n.input(1)], -1)
    return [dense(n, joined, 2), ops.sigmoid(dense(n, ops.tanh(joined), 1))]


@net
def channels_first(n: Net) -> Tensor:
    x = ops.transpose(n.input(2, 5, 6), (0, 2, 3, 1))
    x = pool(ops.max_pool, ops.relu(conv(n, x, 3)))
    return flat(ops.transpose(x, (0, 3, 1, 2)))
