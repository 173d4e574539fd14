"""Every primitive on both targets, on tensors that lie in memory in several ways.

Oracles: `tests/numpy_primitives.py` for values, differences in float64 for gradients.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from specc import primitives as ops
from specc.primitives import Tensor
from specc.tensors import product
from tests.numpy_primitives import RULES
from tests.targets.nets import NETS
from tests.targets.realised import Net, Realised
from tests.targets.test_nets import close

SHAPE = (4, 6, 3)
Use = Callable[[Net, Tensor], Tensor]


def laid(x: Tensor) -> Tensor:
    """`x` (N, h, w, c) in the target's layout of images: a pool of single cells copies it there."""
    return ops.average_pool(x, kernel=(1, 1), strides=(1, 1), pads=((0, 0), (0, 0)))


def ways(n: Net, x: Tensor) -> list[Tensor]:
    """The same logical tensor lying as given, as an image, turned, and cut in two other ways."""
    a, h, w, c = x.shape
    half = ops.reshape(laid(ops.reshape(x, (a, h, 3, 6))), x.shape)
    other = ops.reshape(laid(ops.reshape(x, (a, 6, 4, 3))), x.shape)
    turned = ops.transpose(laid(ops.transpose(x, (0, 2, 1, 3))), (0, 2, 1, 3))
    del n, h, w, c
    return [x, laid(x), turned, half, other]


def image(n: Net, *shape: int) -> Tensor:
    """Another image, in the target's layout."""
    return laid(n.input(*shape))


INDEX = np.array([[2, 0], [5, 5]])


def batch_normalized(n: Net, x: Tensor) -> Tensor:
    """With the statistics of x itself, as the primitive demands."""
    axes = range(x.rank - 1)
    mean = ops.reduce_mean(x, axes)
    variance = ops.reduce_mean((x - mean) * (x - mean), axes)
    return ops.batch_norm_training(x, n.weight(3), n.weight(3), mean, variance, 1e-3)


USES: dict[str, Use] = {
    "exp": lambda n, x: ops.exp(x),
    "log": lambda n, x: ops.log(x + 2),
    "sqrt": lambda n, x: ops.sqrt(x + 2),
    "reciprocal": lambda n, x: ops.reciprocal(x + 2),
    "absolute": lambda n, x: ops.absolute(x),
    "sign": lambda n, x: ops.sign(x) * x,
    "floor": lambda n, x: ops.floor(x * 3) * x,
    "ceil": lambda n, x: ops.ceil(x * 3) * x,
    "rounded": lambda n, x: ops.rounded(x * 3) * x,
    "sin": lambda n, x: ops.sin(x),
    "cos": lambda n, x: ops.cos(x),
    "arctan": lambda n, x: ops.arctan(x),
    "arctan2": lambda n, x: ops.arctan2(x + 2, x + 3) + ops.arctan2(x + 2, x - 3),
    "tanh": lambda n, x: ops.tanh(x),
    "sigmoid": lambda n, x: ops.sigmoid(x),
    "erf": lambda n, x: ops.erf(x),
    "gelu": lambda n, x: ops.gelu(x),
    "relu": lambda n, x: ops.relu(x),
    "leaky_relu": lambda n, x: ops.leaky_relu(x, 0.3),
    "elu": lambda n, x: ops.elu(x, 1.2),
    "selu": lambda n, x: ops.selu(x, 1.6733, 1.0507),
    "softplus": lambda n, x: ops.softplus(x),
    "softsign": lambda n, x: ops.softsign(x),
    "hard_sigmoid": lambda n, x: ops.hard_sigmoid(x, 1.1, 0.5),
    "cast": lambda n, x: x * ops.cast(ops.cast(x * 3, "int32"), n.floatx),
    "capped_relu": lambda n, x: ops.capped_relu(x, 0.4),
    "clip": lambda n, x: ops.clip(x, -0.31, 0.52),
    "arithmetic": lambda n, x: (1 - x) / (x + 3) - (2 * x - -x) + x**2 / 4,
    "power": lambda n, x: ops.power(x + 2, image(n, *SHAPE)),
    "maximum": lambda n, x: ops.maximum(x, n.input(*SHAPE)),
    "minimum-row": lambda n, x: ops.minimum(n.weight(3), x),
    "add-image": lambda n, x: x + image(n, *SHAPE),
    "add-column": lambda n, x: x + n.input(4, 1, 1),
    "add-one-image": lambda n, x: image(n, 4, 6, 1) + x,
    "add-one-row": lambda n, x: x + image(n, 1, 6, 3),
    "add-weights": lambda n, x: n.weight(4, 1, 3) + x + n.weight(6, 3),
    "add-scalar": lambda n, x: x * n.weight() + n.weight(1, 1),
    "both-grow": lambda n, x: x + ops.reshape(n.input(2), (x.shape[0], 2, 1, 1, 1, 1)),
    "comparisons": lambda n, x: x * _flags(n, x),
    "greater": lambda n, x: ops.cast(ops.greater(image(n, *SHAPE), x), n.floatx) * x,
    "where": lambda n, x: ops.where(ops.greater(x, 0.1), x * 2, n.input(1, 1, 3)),
    "where-number": lambda n, x: ops.where(ops.greater(n.weight(3), 0), x, -1.0),
    "batch_size": lambda n, x: x * ops.batch_size(x) + ops.batch_size(_rows(x)),
    "broadcast_to": lambda n, x: ops.broadcast_to(
        ops.reshape(x, (x.shape[0], 4, 1, 6, 3)), (x.shape[0], 4, 2, 6, 3), like=x
    ),
    "broadcast_weights": lambda n, x: ops.broadcast_to(n.weight(3), x.shape, like=x) * x,
    "concat-channels": lambda n, x: ops.concat([x, image(n, 4, 6, 2), n.input(4, 6, 1)], -1),
    "concat-rows": lambda n, x: ops.concat([n.input(2, 6, 3), x, x], 1),
    "expand_dims": lambda n, x: ops.expand_dims(x, 2) * n.weight(2, 1, 1),
    "squeeze": lambda n, x: ops.squeeze(ops.slice_axis(x, 2, 1, 2), 2),
    "gather_rows": lambda n, x: ops.gather_rows(n.weight(5, 3), n.ids(5, 4, 6)) * x,
    "gather_rows-long": lambda n, x: ops.gather_rows(n.weight(9, 3), n.ids(9, 4, 6)) * x,
    "gather_rows-of-x": lambda n, x: ops.gather_rows(
        ops.reduce_sum(x, 0), ops.cast(n.weight(2, 2) + 2, "int64")
    ),
    "move_axis": lambda n, x: ops.move_axis(x, 1, -1),
    "one_hot": lambda n, x: ops.one_hot(n.ids(3, 4, 6), 3) * x,
    "pad": lambda n, x: ops.pad(x, [(0, 0), (1, 2), (0, 0), (0, 1)], 1.5),
    "pad-reflect": lambda n, x: ops.pad(x, [(0, 0), (2, 1), (0, 3), (0, 0)], mode="reflect"),
    "pad-edge": lambda n, x: ops.pad(x, [(0, 0), (2, 1), (0, 0), (1, 1)], mode="edge"),
    "reshape": lambda n, x: ops.reshape(x, (x.shape[0], 2, 9, 4)),
    "flatten": lambda n, x: ops.reshape(x, (x.shape[0], 72)),
    "reverse": lambda n, x: ops.reverse(x, -1),
    "slice_axis": lambda n, x: ops.slice_axis(x, 2, 1, 6, 2),
    "slice_axis-back": lambda n, x: ops.slice_axis(x, 1, 3, 0, -2),
    "split": lambda n, x: ops.concat(ops.split(x, [1, 3, 2], 2)[::-1], 2),
    "unstack": lambda n, x: ops.stack(ops.unstack(x, 1)[::-1], 2),
    "stack": lambda n, x: ops.stack([x, x * 2.0, n.weight(4, 6, 3) * x], 3),
    "take": lambda n, x: ops.take(x, INDEX, 2),
    "take-scalar": lambda n, x: ops.take(x, np.array(2), 1),
    "transpose": lambda n, x: ops.transpose(x, (3, 0, 2, 1)),
    "argmax": lambda n, x: ops.cast(ops.argmax(x, 2), n.floatx) * ops.reduce_sum(x, 2),
    "argmax-channels": lambda n, x: ops.expand_dims(ops.cast(ops.argmax(x), n.floatx), 3) * x,
    "cumsum": lambda n, x: ops.cumsum(x, 2),
    "dense": lambda n, x: ops.dense(x, n.weight(3, 2), n.weight(2)),
    "dense-flat": lambda n, x: ops.dense(_rows(x), n.weight(72, 2)),
    "dense-one-unit": lambda n, x: ops.dense(x, n.weight(3, 1), n.weight(1)),
    "dense-of-turned": lambda n, x: ops.dense(ops.transpose(x, (0, 3, 1, 2)), n.weight(6, 2)),
    "softmax": lambda n, x: ops.softmax(x),
    "softmax-rows": lambda n, x: ops.softmax(x, 1),
    "masked_softmax": lambda n, x: ops.masked_softmax(x, _triangle(x)),
    "masked_softmax-some": lambda n, x: ops.masked_softmax(x, ops.greater(image(n, *SHAPE), 0.4)),
    "standardised": lambda n, x: ops.standardised(x, (-1,), 1e-3),
    "standardised-space": lambda n, x: ops.standardised(x, (1, 2), 1e-3),
    "log_softmax": lambda n, x: ops.log_softmax(x, 2),
    "matmul": lambda n, x: ops.matmul(x, n.weight(3, 2)),
    "matmul-both": lambda n, x: ops.matmul(x, ops.transpose(image(n, 4, 5, 3), (0, 1, 3, 2))),
    "reduce_sum-space": lambda n, x: ops.reduce_sum(x, (1, 2)),
    "reduce_sum-all": lambda n, x: ops.reduce_sum(x),
    "reduce_mean-batch": lambda n, x: ops.reduce_mean(x, (0, 1, 2)),
    "reduce_mean-kept": lambda n, x: ops.reduce_mean(x, -1, keepdims=True) * x,
    "reduce_max": lambda n, x: ops.reduce_max(x, (1, 3)),
    "reduce_min-kept": lambda n, x: ops.reduce_min(x, 0, keepdims=True),
    "reduce_length-1": lambda n, x: ops.reduce_sum(ops.expand_dims(x, 1), 1) * 2,
    "bitwise_xor": lambda n, x: (
        x * ops.cast(ops.bitwise_xor(ops.cast(x * 9, "int64"), ops.cast(x * 7, "int64")), n.floatx)
    ),
    "order_descending": lambda n, x: ops.cast(ops.order_descending(x), n.floatx) * x,
    "order_descending-batch": lambda n, x: ops.gather_rows(
        x, ops.order_descending(ops.reduce_sum(x, (1, 2, 3)))
    ),
    "histogram": lambda n, x: x * _counts(x),
    "sort_descending": lambda n, x: ops.sort_descending(x),
    "conv": lambda n, x: ops.conv(
        x, n.weight(2, 3, 3, 2), n.weight(2), strides=(1, 2), pads=((1, 0), (0, 1))
    ),
    "conv_transpose": lambda n, x: ops.conv_transpose(
        x, n.weight(2, 3, 2, 3), strides=(2, 1), pads=((0, 1), (0, 0)), output=(8, 8)
    ),
    "max_pool": lambda n, x: ops.max_pool(x, kernel=(2, 3), strides=(2, 2), pads=((0, 1), (1, 0))),
    "average_pool": lambda n, x: ops.average_pool(
        x, kernel=(3, 2), strides=(1, 2), pads=((1, 1), (0, 1))
    ),
    "batch_norm": lambda n, x: ops.batch_norm(
        x, n.weight(3), n.weight(3), n.weight(3), ops.exp(n.weight(3)), 1e-3
    ),
    "batch_norm_training": batch_normalized,
    "simple_rnn": lambda n, x: ops.simple_rnn(recurrent(n, x, 1), "tanh"),
    "simple_rnn-linear": lambda n, x: ops.simple_rnn(recurrent(n, x, 1, bias=()), "linear"),
    "simple_rnn-all": lambda n, x: ops.simple_rnn(
        recurrent(n, x, 1, states=1, masked=True), "hard_sigmoid"
    ),
    "lstm": lambda n, x: ops.lstm(recurrent(n, x, 4), "tanh", "sigmoid"),
    "lstm-cell": lambda n, x: ops.lstm(
        recurrent(n, x, 4, bias=(), states=2), "linear", "hard_sigmoid", cell=True
    ),
    "lstm-all": lambda n, x: ops.lstm(
        recurrent(n, x, 4, states=2, masked=True), "tanh", "sigmoid", cell=True
    ),
    "gru-after": lambda n, x: ops.gru(
        recurrent(n, x, 3, bias=(2, 6)), "tanh", "sigmoid", reset_after=True
    ),
    "gru-after-all": lambda n, x: ops.gru(
        recurrent(n, x, 3, bias=(2, 6), states=1, masked=True), "tanh", "sigmoid", reset_after=True
    ),
    "gru-before": lambda n, x: ops.gru(
        recurrent(n, x, 3, bias=()), "tanh", "linear", reset_after=False
    ),
    "gru-before-all": lambda n, x: ops.gru(
        recurrent(n, x, 3, states=1, masked=True), "tanh", "sigmoid", reset_after=False
    ),
    "stop_gradient": lambda n, x: ops.stop_gradient(ops.sign(x)) * x,
}


def recurrent(
    n: Net,
    x: Tensor,
    gates: int,
    *,
    bias: tuple[int, ...] | None = None,
    states: int = 0,
    masked: bool = False,
) -> ops.Recurrent:
    """A recurrence of 2 units over 4 steps of 3 features."""
    steps = ops.reduce_mean(x, 2)
    bias = (2 * gates,) if bias is None else bias
    mask = ops.greater(ops.reduce_sum(steps, -1), 0.1) if masked else None
    return ops.Recurrent(
        steps,
        n.weight(3, 2 * gates),
        n.weight(2, 2 * gates),
        n.weight(*bias) if bias else None,
        [n.input(2) for _ in range(states)],
        mask,
    )


def _rows(x: Tensor) -> Tensor:
    return ops.reshape(x, (x.shape[0], 72))


def _counts(x: Tensor) -> Tensor:
    whole = ops.cast(ops.clip(ops.absolute(x) * 3, 0, 3), "int64")
    found = ops.histogram(ops.reshape(whole, (product((x.shape[0], 12)), 6)), 4)
    return ops.slice_axis(ops.reshape(found, (x.shape[0], 4, 6, 2)), -1, 0, 1)


def _triangle(x: Tensor) -> Tensor:
    """Row i of the last two axes keeps columns 0 to i."""
    return x.trace.constant(np.tril(np.ones((1, 6, 3), np.bool_)), "bool")


def _flags(n: Net, x: Tensor) -> Tensor:
    y = image(n, *SHAPE)
    either = ops.logical_or(ops.less(x, y), ops.greater_equal(x, 0.5))
    both = ops.logical_and(either, ops.logical_not(ops.equal(x, y)))
    return ops.cast(ops.logical_or(both, ops.less_equal(x, -0.7)), n.floatx)


def every_way(use: Use) -> Callable[[Net], list[Tensor]]:
    """`use` of the same tensor however it lies."""
    return lambda n: [use(n, x) for x in ways(n, n.input(*SHAPE))]


on_targets = pytest.mark.parametrize("target", ["portable", "cpu"])


@on_targets
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_values_and_gradients(use: Use, target: str) -> None:
    double = Realised(every_way(use), target, 2, grads=True)
    found = double.check_gradients()
    for k, expected in enumerate(double.expected()):
        # Attributes of ONNX nodes are float32.
        np.testing.assert_allclose(found[f"y{k}"], expected, rtol=1e-7, atol=2e-8)
    single = Realised(every_way(use), target, 2, floatx="float32", grads=True)
    for name, value in single.onnxruntime().items():
        close(value, found[name])


@on_targets
@pytest.mark.parametrize("use", ["dense-flat", "batch_size", "matmul-both", "reduce_mean-batch"])
def test_another_batch_of_the_same_graph(use: str, target: str) -> None:
    for batch in (1, 64):
        single, double = (
            Realised(every_way(USES[use]), target, batch, floatx=f) for f in ("float32", "float64")
        )
        for found, expected in zip(single.onnxruntime().values(), double.expected(), strict=True):
            close(found, expected)


def primitives_of(tensors: list[Tensor]) -> set[str]:
    """The primitives that tensors are made of."""
    seen: dict[int, Tensor] = {}
    stack = list(tensors)
    while stack:
        tensor = stack.pop()
        if id(tensor) not in seen:
            seen[id(tensor)] = tensor
            stack.extend(tensor.inputs)
    return {tensor.op for tensor in seen.values()}


def test_every_primitive_is_used() -> None:
    used: set[str] = set()
    for make in [*NETS.values(), *map(every_way, USES.values())]:
        made = make(Net(2))
        used |= primitives_of([made] if isinstance(made, Tensor) else made)
    assert used - {"input", "state"} == set(RULES)


def test_every_function_of_the_vocabulary_is_used() -> None:
    functions = {name for name in vars(ops) if not name.startswith("_")}
    modules = {"arithmetic", "movement", "recurrence", "reduction", "source", "tensor", "texts"}
    modules |= {"window"}
    others = {"Recurrent", "Tensor", "Trace", "graph_input", "state", "is_float"}
    # tests/targets/test_random.py has them.
    others |= {"random_uniform", "random_normal"}
    # tests/data/test_columns.py has them.
    others |= {"is_text", "first_words"}
    # tests/model/test_texts.py has them.
    others |= {"lower_case", "without", "text_places", "text_at"}
    others |= {"word_places", "word_counts", "character_places"}
    named = {name.partition("-")[0] for name in USES} | set(_flags.__code__.co_names)
    assert functions - modules - others <= named
