"""Layers of a plan as functions of arrays, in Keras' layouts: images channel last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from worker import Unsupported

Call = dict[str, Any]
# From a layer's weights and inputs: its output, and the weights that training moves by themselves.
Apply = Callable[[list[Array], list[Array]], tuple[Array, list[Array]]]

ACTIVATIONS: dict[str | None, Callable[[Array], Array]] = {
    None: lambda x: x,
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "sigmoid": jax.nn.sigmoid,
    "softmax": jax.nn.softmax,
}


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def convolution(call: Call) -> Apply:
    fields = call["fields"]
    depthwise = call["kind"] == "depthwise_conv2d"
    activation = ACTIVATIONS[fields.get("activation")]

    def apply(weights: list[Array], xs: list[Array]) -> tuple[Array, list[Array]]:
        kernel, groups = weights[0], 1
        if depthwise:
            groups = kernel.shape[2]
            kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
        y = lax.conv_general_dilated(
            xs[0],
            kernel,
            pair(fields.get("strides", 1)),
            fields.get("padding", "valid").upper(),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )
        return activation(y + weights[1] if len(weights) > 1 else y), []

    return apply


def dense(call: Call) -> Apply:
    activation = ACTIVATIONS[call["fields"].get("activation")]

    def apply(weights: list[Array], xs: list[Array]) -> tuple[Array, list[Array]]:
        y = xs[0] @ weights[0]
        return activation(y + weights[1] if len(weights) > 1 else y), []

    return apply


def batch_norm(call: Call, *, training: bool) -> Apply:
    momentum = call["fields"].get("momentum", 0.99)
    epsilon = call["fields"].get("epsilon", 1e-3)

    def apply(weights: list[Array], xs: list[Array]) -> tuple[Array, list[Array]]:
        x, (gamma, beta, mean, variance) = xs[0], weights
        moved: list[Array] = []
        if training:
            axes = tuple(range(x.ndim - 1))
            now, spread = x.mean(axes), x.var(axes)
            moved = [
                mean * momentum + now * (1 - momentum),
                variance * momentum + spread * (1 - momentum),
            ]
            mean, variance = now, spread
        factor = gamma * lax.rsqrt(variance + epsilon)
        return x * factor + (beta - mean * factor), moved

    return apply


def layer_norm(call: Call) -> Apply:
    epsilon = call["fields"].get("epsilon", 1e-3)

    def apply(weights: list[Array], xs: list[Array]) -> tuple[Array, list[Array]]:
        x = xs[0]
        centred = x - x.mean(-1, keepdims=True)
        factor = lax.rsqrt((centred**2).mean(-1, keepdims=True) + epsilon)
        return centred * factor * weights[0] + weights[1], []

    return apply


def lstm(call: Call) -> Apply:
    sequences = call["fields"].get("return_sequences", False)

    def apply(weights: list[Array], xs: list[Array]) -> tuple[Array, list[Array]]:
        kernel, recurrent, bias = weights
        given = jnp.swapaxes(xs[0] @ kernel + bias, 0, 1)
        zero = jnp.zeros((xs[0].shape[0], recurrent.shape[0]), jnp.float32)

        def step(state: tuple[Array, Array], z: Array) -> tuple[tuple[Array, Array], Array]:
            h, c = state
            i, f, g, o = jnp.split(z + h @ recurrent, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        (last, _), every = lax.scan(step, (zero, zero), given)
        return jnp.swapaxes(every, 0, 1) if sequences else last, []

    return apply


def attention(call: Call) -> Apply:
    causal = bool(call["flags"].get("use_causal_mask"))

    def apply(weights: list[Array], xs: list[Array]) -> tuple[Array, list[Array]]:
        query, bias_q, key, bias_k, value, bias_v, out, bias_out = weights
        projections = ((query, bias_q), (key, bias_k), (value, bias_v))
        q, k, v = (jnp.einsum("btd,dhe->bthe", xs[0], a) + b for a, b in projections)
        mixed = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
        return jnp.einsum("bthe,hed->btd", mixed, out) + bias_out, []

    return apply


def pooling(call: Call) -> Callable[..., Array]:
    fields = call["fields"]
    size = pair(fields.get("pool_size", 2))
    window = (1, *size, 1)
    strides = (1, *pair(fields.get("strides") or size), 1)
    if call["kind"] == "max_pooling2d":
        return lambda x: lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "VALID")
    total = size[0] * size[1]
    return lambda x: lax.reduce_window(x, 0.0, lax.add, window, strides, "VALID") / total


def plain(call: Call) -> Apply:
    """A layer without weights.

    Raises:
        Unsupported: there is no function for it here.
    """
    kind, fields = call["kind"], call["fields"]
    simple: dict[str, Callable[..., Array]] = {
        "flatten": lambda x: x.reshape(x.shape[0], -1),
        "global_average_pooling2d": lambda x: x.mean((1, 2)),
        "global_average_pooling1d": lambda x: x.mean(1),
        "add": lambda *xs: sum(xs[1:], xs[0]),
        "concatenate": lambda *xs: jnp.concatenate(xs, -1),
        "re_lu": lambda x: jnp.clip(x, 0, fields.get("max_value")),
    }
    if kind == "activation":
        function = ACTIVATIONS[fields["activation"]]
    elif kind == "zero_padding2d":
        pads = [(0, 0), *(pair(side) for side in pair(fields["padding"])), (0, 0)]
        function = lambda x: jnp.pad(x, pads)  # noqa: E731
    elif kind in {"max_pooling2d", "average_pooling2d"} and "padding" not in fields:
        function = pooling(call)
    elif kind in simple:
        function = simple[kind]
    else:
        raise Unsupported(f"the layer {kind} is not written for JAX here")
    return lambda _, xs: (function(*xs), [])


def apply_of(call: Call, *, training: bool) -> Apply:
    """The function of one call."""
    weighted: dict[str, Callable[[Call], Apply]] = {
        "conv2d": convolution,
        "depthwise_conv2d": convolution,
        "dense": dense,
        "batch_normalization": lambda call: batch_norm(call, training=training),
        "layer_normalization": layer_norm,
        "embedding": lambda _: lambda weights, xs: (weights[0][xs[0]], []),
        "lstm": lstm,
        "multi_head_attention": attention,
    }
    return weighted[call["kind"]](call) if call["kind"] in weighted else plain(call)
