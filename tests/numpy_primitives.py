"""A slow interpreter of primitive graphs in NumPy: the oracle that no target is part of.

`evaluate(tensors, feeds)` computes tensors from arrays for the `input` and `state` tensors that
they depend on. A rule is one function of the arrays and the tensor, under the primitive's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from specc.primitives import Tensor
from specc.tensors import Sym

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule (tensor, *arrays) -> array under the names of primitives."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def evaluate(tensors: Sequence[Tensor], feeds: Mapping[Tensor, Any]) -> list[np.ndarray]:
    """Values of `tensors`. Element types and, for known axes, shapes are checked on the way."""
    known: dict[int, np.ndarray] = {id(tensor): np.asarray(v) for tensor, v in feeds.items()}
    order: dict[int, Tensor] = {}
    stack = list(tensors)
    while stack:
        tensor = stack.pop()
        if id(tensor) not in order:
            order[id(tensor)] = tensor
            stack.extend(tensor.inputs if id(tensor) not in known else ())
    for tensor in sorted(order.values(), key=lambda each: each.serial):
        if id(tensor) in known:
            continue
        arrays = [known[id(each)] for each in tensor.inputs]
        with np.errstate(all="ignore"):
            value = np.asarray(RULES[tensor.op](tensor, *arrays))
        assert value.dtype == np.dtype(tensor.dtype), (tensor, value.dtype)
        assert value.ndim == tensor.rank, (tensor, value.shape)
        for dim, length in zip(tensor.shape, value.shape, strict=True):
            assert isinstance(dim, Sym) or dim == length, (tensor, value.shape)
        known[id(tensor)] = value
    return [known[id(tensor)] for tensor in tensors]


def elementwise(function: Callable[..., Any]) -> Rule:
    """A rule that ignores the tensor, in the element type of the first array."""
    return lambda _tensor, *arrays: np.asarray(function(*arrays)).astype(
        np.result_type(arrays[0]), copy=False
    )


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # ONNX cuts the quotient of integers towards zero.
    if a.dtype.kind not in "iu":
        return a / b
    # Not by way of floats, which hold 53 bits.
    quotient = a // b
    return quotient + ((quotient * b != a) & ((a < 0) != (b < 0)))


_ERF = np.vectorize(math.erf, otypes=[float])
RULES.update(
    {
        "capped_relu": lambda t, x: np.clip(x, 0, t.attrs["cap"]),
        "gelu": elementwise(lambda x: x / 2 * (1 + _ERF(x / math.sqrt(2)))),
        "Add": elementwise(np.add),
        "Sub": elementwise(np.subtract),
        "Mul": elementwise(np.multiply),
        "Div": elementwise(_divide),
        "Pow": elementwise(np.power),
        "Max": elementwise(np.maximum),
        "Min": elementwise(np.minimum),
        "Neg": elementwise(np.negative),
        "Exp": elementwise(np.exp),
        "Log": elementwise(np.log),
        "Sqrt": elementwise(np.sqrt),
        "Reciprocal": elementwise(np.reciprocal),
        "Abs": elementwise(np.abs),
        "Sign": elementwise(np.sign),
        "Floor": elementwise(np.floor),
        "Ceil": elementwise(np.ceil),
        "Round": elementwise(np.round),
        "Sin": elementwise(np.sin),
        "Cos": elementwise(np.cos),
        "Atan": elementwise(np.arctan),
        "Tanh": elementwise(np.tanh),
        "Erf": elementwise(_ERF),
        "Sigmoid": elementwise(lambda x: np.exp(-np.logaddexp(0, -x))),
        "Softplus": elementwise(lambda x: np.logaddexp(0, x)),
        "Softsign": elementwise(lambda x: x / (1 + np.abs(x))),
        "Relu": elementwise(lambda x: np.maximum(x, 0)),
        "BitwiseXor": elementwise(np.bitwise_xor),
        "And": elementwise(np.logical_and),
        "Or": elementwise(np.logical_or),
        "Not": elementwise(np.logical_not),
        "Equal": lambda _t, a, b: np.equal(a, b),
        "Greater": lambda _t, a, b: np.greater(a, b),
        "GreaterOrEqual": lambda _t, a, b: np.greater_equal(a, b),
        "Less": lambda _t, a, b: np.less(a, b),
        "LessOrEqual": lambda _t, a, b: np.less_equal(a, b),
        "Where": lambda t, c, a, b: np.where(c, a, b).astype(t.dtype),
        "Cast": lambda t, x: x.astype(t.attrs["to"]),
        "constant": lambda t: t.attrs["value"],
        "stop_gradient": lambda _t, x: x,
    }
)


@rule("LeakyRelu")
def leaky_relu(t: Tensor, x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, x, t.attrs["alpha"] * x).astype(x.dtype)


@rule("Elu")
def elu(t: Tensor, x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, x, t.attrs["alpha"] * np.expm1(x)).astype(x.dtype)


@rule("Selu")
def selu(t: Tensor, x: np.ndarray) -> np.ndarray:
    return (t.attrs["gamma"] * np.where(x > 0, x, t.attrs["alpha"] * np.expm1(x))).astype(x.dtype)


@rule("HardSigmoid")
def hard_sigmoid(t: Tensor, x: np.ndarray) -> np.ndarray:
    return np.clip(t.attrs["alpha"] * x + t.attrs["beta"], 0, 1).astype(x.dtype)


@rule("clip")
def clip(t: Tensor, x: np.ndarray) -> np.ndarray:
    return np.clip(x, t.attrs["low"], t.attrs["high"]).astype(x.dtype)


def _reduction(function: Callable[..., Any]) -> Rule:
    def reduced(t: Tensor, x: np.ndarray) -> np.ndarray:
        value = function(x, axis=tuple(t.attrs["axes"]), keepdims=t.attrs["keepdims"])
        return np.asarray(value).astype(x.dtype)

    return reduced


RULES.update(
    {
        "ReduceSum": _reduction(np.sum),
        "ReduceMean": _reduction(np.mean),
        "ReduceMax": _reduction(np.max),
        "ReduceMin": _reduction(np.min),
        "argmax": lambda t, x: np.argmax(x, t.attrs["axis"]),
        "cumsum": lambda t, x: np.cumsum(x, t.attrs["axis"], dtype=x.dtype),
        "sort_descending": lambda _t, x: -np.sort(-x, axis=-1),
        "order_descending": lambda _t, x: np.argsort(-x, -1, kind="stable"),
        "matmul": lambda _t, a, b: np.matmul(a, b),
        "dense": lambda _t, x, kernel, bias=0: (x @ kernel + bias).astype(x.dtype),
    }
)


@rule("histogram")
def histogram(t: Tensor, ids: np.ndarray) -> np.ndarray:
    counts = [np.bincount(row, minlength=t.attrs["bins"]) for row in ids]
    return np.asarray(counts, t.dtype)


@rule("LogSoftmax", "Softmax")
def log_softmax(t: Tensor, x: np.ndarray) -> np.ndarray:
    axis = t.attrs["axis"]
    shifted = x - x.max(axis, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
    return logs if t.op == "LogSoftmax" else np.exp(logs)


@rule("masked_softmax")
def masked_softmax(_t: Tensor, x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    mask = np.broadcast_to(mask, x.shape)
    kept = np.where(mask | ~mask.any(-1, keepdims=True), x, -np.inf)
    weights = np.exp(kept - kept.max(-1, keepdims=True))
    hidden = ~mask.any(-1, keepdims=True)
    return np.where(hidden, 1 / x.shape[-1], weights / weights.sum(-1, keepdims=True))


@rule("standardised")
def standardised(t: Tensor, x: np.ndarray) -> np.ndarray:
    axes = t.attrs["axes"]
    deviation = np.sqrt(x.var(axes, keepdims=True) + t.attrs["epsilon"])
    return (x - x.mean(axes, keepdims=True)) / deviation


def _lengths(t: Tensor, count: int) -> list[int]:
    """The shape of `t` with its symbolic axis filled from the number of elements."""
    return (
        [-1 if isinstance(dim, Sym) else dim for dim in t.shape]
        if count
        else [0 if isinstance(dim, Sym) else dim for dim in t.shape]
    )


@rule("reshape")
def reshape(t: Tensor, x: np.ndarray) -> np.ndarray:
    return x.reshape(_lengths(t, x.size))


@rule("transpose")
def transpose(t: Tensor, x: np.ndarray) -> np.ndarray:
    return x.transpose(t.attrs["perm"])


@rule("broadcast_to")
def broadcast_to(t: Tensor, x: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    shape = list(t.shape)
    if like is not None:
        source = t.inputs[1].shape
        batch = next(
            length // dim.factor
            for dim, length in zip(source, like.shape, strict=True)
            if isinstance(dim, Sym)
        )
        shape = [dim.factor * batch if isinstance(dim, Sym) else dim for dim in shape]
    return np.broadcast_to(x, shape)


@rule("concat")
def concat(t: Tensor, *parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts, t.attrs["axis"])


@rule("part")
def part(t: Tensor, x: np.ndarray) -> np.ndarray:
    ends = np.cumsum(t.attrs["sizes"])[:-1]
    return np.split(x, ends, t.attrs["axis"])[t.attrs["index"]]


@rule("slice")
def slice_axis(t: Tensor, x: np.ndarray) -> np.ndarray:
    a = t.attrs
    return np.take(x, list(range(a["start"], a["stop"], a["step"])), a["axis"])


@rule("pad")
def pad(t: Tensor, x: np.ndarray) -> np.ndarray:
    if t.attrs["mode"] == "constant":
        return np.pad(x, t.attrs["pads"], constant_values=t.attrs["value"])
    return np.pad(x, t.attrs["pads"], mode=t.attrs["mode"])


@rule("take")
def take(t: Tensor, x: np.ndarray) -> np.ndarray:
    return np.take(x, t.attrs["indices"], t.attrs["axis"])


@rule("gather_rows")
def gather_rows(_t: Tensor, table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return table[ids]


@rule("one_hot")
def one_hot(t: Tensor, ids: np.ndarray) -> np.ndarray:
    return (ids[..., None] == np.arange(t.attrs["classes"])).astype(t.dtype)


@rule("batch_size")
def batch_size(t: Tensor, x: np.ndarray) -> np.ndarray:
    return np.asarray(x.shape[t.attrs["axis"]], t.dtype)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


FUNCTIONS = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda x: np.maximum(x, 0.0),
    "linear": lambda x: x,
    "hard_sigmoid": lambda x: np.clip(x / 6.0 + 0.5, 0.0, 1.0),
}


@rule("simple_rnn", "lstm", "gru")
def recurrence(t: Tensor, x: np.ndarray, w: np.ndarray, r: np.ndarray, *rest: np.ndarray) -> Any:
    """Step by step, each gate by itself."""
    given = list(rest)
    units, steps = len(r), x.shape[1]
    act = FUNCTIONS[t.attrs["activation"]]
    gate = FUNCTIONS[t.attrs.get("recurrent_activation", "linear")]
    states = [np.zeros((len(x), units), x.dtype)] * 2
    for i in range(t.attrs["states"]):
        states[i] = given.pop(0)
    bias = given.pop(0) if t.attrs["has_bias"] else np.zeros(w.shape[1], x.dtype)
    own, other = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    mask = given.pop() if t.attrs["has_mask"] else np.ones(x.shape[:2], np.bool_)
    h, c = states
    made = []
    for step in range(steps):
        a = np.split(x[:, step] @ w + own, w.shape[1] // units, -1)
        b = np.split(h @ r + other, w.shape[1] // units, -1)
        if t.op == "simple_rnn":
            new, cell = act(a[0] + b[0]), c
        elif t.op == "lstm":
            i, f, g, o = (p + q for p, q in zip(a, b, strict=True))
            cell = gate(f) * c + gate(i) * act(g)
            new = gate(o) * act(cell)
        else:
            z, reset, cell = gate(a[0] + b[0]), gate(a[1] + b[1]), c
            left = reset * b[2] if t.attrs["reset_after"] else (reset * h) @ r[:, 2 * units :]
            new = z * h + (1 - z) * act(a[2] + left)
        keep = mask[:, step, np.newaxis]
        h, c = np.where(keep, new, h), np.where(keep, cell, c)
        made.append(h)
    return np.stack([*made, *[c] * t.attrs["more"]], 1)
