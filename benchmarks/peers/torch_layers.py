"""Layers of a plan as PyTorch modules: images channel first, weights converted from Keras'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from worker import Task, Unsupported

Call = dict[str, Any]
Arrays = Sequence[np.ndarray]

ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {
    None: lambda x: x,
    "linear": lambda x: x,
    "relu": functional.relu,
    "tanh": torch.tanh,
    "gelu": functional.gelu,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: functional.softmax(x, -1),
}


class Activated(nn.Module):
    """A module with its activation, after padding that the module itself cannot do."""

    def __init__(self, inner: nn.Module, activation: str | None, pads: Sequence[int] = ()) -> None:
        super().__init__()
        self.inner, self.pads = inner, list(pads)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        if self.pads:
            x = functional.pad(x, self.pads)
        return self.activation(self.inner(x))


class Function(nn.Module):
    """A layer without weights."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *xs: Tensor) -> Tensor:
        return self.function(*xs)


def fill(parameter: Tensor, array: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def convolution(call: Call, arrays: Arrays) -> nn.Module:
    """Conv2D and DepthwiseConv2D; uneven `same` padding stands in front."""
    fields, kernel = call["fields"], arrays[0]
    strides = pair(fields.get("strides", 1))
    size = kernel.shape[:2]
    pads = [0, 0, 0, 0]
    if fields.get("padding", "valid") == "same":
        for axis in (0, 1):
            inside = call["input_shapes"][0][axis]
            total = max((-(-inside // strides[axis]) - 1) * strides[axis] + size[axis] - inside, 0)
            pads[2 - 2 * axis : 4 - 2 * axis] = [total // 2, total - total // 2]
    even = pads[0] == pads[1] and pads[2] == pads[3]
    depthwise = call["kind"] == "depthwise_conv2d"
    channels = kernel.shape[2]
    module = nn.Conv2d(
        channels,
        channels * kernel.shape[3] if depthwise else kernel.shape[3],
        size,
        strides,
        (pads[2], pads[0]) if even else 0,
        groups=channels if depthwise else 1,
        bias=len(arrays) > 1,
    )
    if depthwise:
        moved = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *size)
    else:
        moved = kernel.transpose(3, 2, 0, 1)
    fill(module.weight, moved)
    if len(arrays) > 1:
        fill(module.bias, arrays[1])
    return Activated(module, fields.get("activation"), () if even else pads)


def dense(call: Call, arrays: Arrays, before: Call | None) -> nn.Module:
    """Dense; behind a Flatten of an image its rows follow the channel-first order."""
    kernel = arrays[0]
    if before is not None and before["kind"] == "flatten" and len(before["input_shapes"][0]) == 3:
        image = before["input_shapes"][0]
        moved = kernel.reshape(*image, -1).transpose(2, 0, 1, 3)
        kernel = moved.reshape(kernel.shape)
    module = nn.Linear(*kernel.shape, bias=len(arrays) > 1)
    fill(module.weight, kernel.T)
    if len(arrays) > 1:
        fill(module.bias, arrays[1])
    return Activated(module, call["fields"].get("activation"))


def batch_norm(call: Call, arrays: Arrays) -> nn.Module:
    fields = call["fields"]
    momentum = 1 - fields.get("momentum", 0.99)
    module = nn.BatchNorm2d(len(arrays[0]), fields.get("epsilon", 1e-3), momentum)
    kept = (module.weight, module.bias, module.running_mean, module.running_var)
    for parameter, array in zip(kept, arrays, strict=True):
        fill(parameter, array)
    return module


def layer_norm(call: Call, arrays: Arrays) -> nn.Module:
    module = nn.LayerNorm(len(arrays[0]), call["fields"].get("epsilon", 1e-3))
    fill(module.weight, arrays[0])
    fill(module.bias, arrays[1])
    return module


def embedding(call: Call, arrays: Arrays) -> nn.Module:
    del call
    module = nn.Embedding(*arrays[0].shape)
    fill(module.weight, arrays[0])
    return module


class Recurrent(nn.Module):
    """LSTM with one trained bias, as Keras has it."""

    def __init__(self, call: Call, arrays: Arrays) -> None:
        super().__init__()
        kernel, recurrent, bias = arrays
        self.inner = nn.LSTM(len(kernel), len(recurrent), batch_first=True)
        fill(self.inner.weight_ih_l0, kernel.T)
        fill(self.inner.weight_hh_l0, recurrent.T)
        fill(self.inner.bias_ih_l0, bias)
        fill(self.inner.bias_hh_l0, np.zeros_like(bias))
        self.inner.bias_hh_l0.requires_grad_(requires_grad=False)
        self.sequences = call["fields"].get("return_sequences", False)

    def forward(self, x: Tensor) -> Tensor:
        found = self.inner(x)[0]
        return found if self.sequences else found[:, -1]


class Attention(nn.Module):
    """MultiHeadAttention of a sequence on itself, its three projections as one product."""

    def __init__(self, call: Call, arrays: Arrays) -> None:
        super().__init__()
        query, bias_q, key, bias_k, value, bias_v, out, bias_out = arrays
        self.heads, width = query.shape[1], query.shape[0]
        kernels = [a.reshape(width, -1) for a in (query, key, value)]
        self.project = nn.Linear(width, sum(k.shape[1] for k in kernels))
        fill(self.project.weight, np.concatenate(kernels, 1).T)
        fill(self.project.bias, np.concatenate([b.ravel() for b in (bias_q, bias_k, bias_v)]))
        self.out = nn.Linear(out.shape[0] * out.shape[1], out.shape[2])
        fill(self.out.weight, out.reshape(-1, out.shape[2]).T)
        fill(self.out.bias, bias_out)
        self.causal = bool(call["flags"].get("use_causal_mask"))
        self.dropout = call["fields"].get("dropout", 0.0)

    def forward(self, x: Tensor, *_: Tensor) -> Tensor:
        parts = self.project(x).chunk(3, -1)
        q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        rate = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, None, rate, self.causal)
        return self.out(mixed.transpose(1, 2).flatten(2))


def plain(call: Call) -> nn.Module:
    """A layer without weights.

    Raises:
        Unsupported: there is no module for it here.
    """
    kind, fields = call["kind"], call["fields"]
    if kind == "zero_padding2d":
        (top, bottom), (left, right) = (pair(side) for side in pair(fields["padding"]))
        pads = [left, right, top, bottom]
        return Function(lambda x: functional.pad(x, pads))
    if kind in {"max_pooling2d", "average_pooling2d"} and "padding" not in fields:
        pool = functional.max_pool2d if kind == "max_pooling2d" else functional.avg_pool2d
        size = pair(fields.get("pool_size", 2))
        strides = fields.get("strides") or size
        return Function(lambda x: pool(x, size, pair(strides)))
    if kind == "re_lu":
        most = fields.get("max_value")
        return nn.ReLU() if most is None else nn.Hardtanh(0.0, float(most))
    simple: dict[str, Callable[..., Tensor]] = {
        "flatten": lambda x: x.flatten(1),
        "global_average_pooling2d": lambda x: x.mean((2, 3)),
        "global_average_pooling1d": lambda x: x.mean(1),
        "add": lambda *xs: sum(xs[1:], xs[0]),
        "concatenate": lambda *xs: torch.cat(xs, -1),
        "ops.ones_like": torch.ones_like,
        "ops.cumsum": lambda x: x.cumsum(fields["axis"]),
        "ops.subtract": lambda x: x - fields["x2"],
    }
    if kind == "dropout":
        return nn.Dropout(fields["rate"])
    if kind == "activation":
        return Function(ACTIVATIONS[fields["activation"]])
    if kind in simple:
        return Function(simple[kind])
    raise Unsupported(f"the layer {kind} is not written for PyTorch here")


def module_of(call: Call, task: Task, before: Call | None) -> nn.Module:
    """The module of one call; `before` is the call whose result it reads first."""
    arrays = [task.weights[i] for i in call["weights"]]
    kind = call["kind"]
    if kind == "dense":
        return dense(call, arrays, before)
    weighted: dict[str, Callable[[Call, Arrays], nn.Module]] = {
        "conv2d": convolution,
        "depthwise_conv2d": convolution,
        "batch_normalization": batch_norm,
        "layer_normalization": layer_norm,
        "embedding": embedding,
        "lstm": Recurrent,
        "multi_head_attention": Attention,
    }
    return weighted[kind](call, arrays) if kind in weighted else plain(call)
