"""The sums behind a layer's output shape and parameter count, with the numbers put in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from specc.layer import Layer, Shapes, Window
from specc.network.graph import NodeWeight
from specc.tensors import Shape, elements

# What a line is about, and the line.
Line: TypeAlias = tuple[str, str]

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
# What the elements of a weight are called; others keep the weight's name.
NOUNS = {"kernel": "weights", "bias": "biases"}


def product(lengths: Sequence[int | None]) -> str:
    """`26*26*32`; an open length is `?`, and nothing is 1."""
    return "*".join("?" if n is None else str(n) for n in lengths) or "1"


def shape_lines(layer: Layer, inputs: Shapes, outputs: Shapes) -> list[Line]:
    """Where each length of the output comes from."""
    window = layer.window(inputs)
    output = outputs[0]
    if window is not None:
        return _window_lines(window, inputs[0], output)
    x, *others = inputs
    if others:
        return _merge_lines(inputs, output)
    if x == output:
        return [("shape", "as the input: every element stays in its place")]
    if None not in (*x[1:], *output[1:]) and elements(x[1:]) == elements(output[1:]):
        count = elements(x[1:])
        factors = f"{product(x[1:])} = " if len(x) > 2 else ""  # noqa: PLR2004
        return [("elements", f"{factors}{count:,}, arranged as {product(output[1:])}")]
    if len(x) == len(output) and x[:-1] == output[:-1]:
        what = f"{output[-1]} sums, each over the {x[-1]} elements of the last axis"
        return [("last axis", what)]
    return []


def _window_lines(window: Window, x: Shape, output: Shape) -> list[Line]:
    names = AXES[len(window.axes)]
    if window.kernel is None:
        folded = product([x[axis] for axis in window.axes])
        return [("positions", f"{folded} positions become one")]
    kept = len(x) == len(output)
    lines: list[Line] = []
    for i, (name, axis) in enumerate(zip(names, window.axes, strict=True)):
        n, out = x[axis], output[axis] if kept else None
        lines.append((name, _length(window, i, n, out)))
    channels = [i for i in range(1, len(x)) if i not in window.axes]
    if kept and len(channels) == 1:
        before, after = x[channels[0]], output[channels[0]]
        lines.append(("channels", str(after) if before == after else f"{before} in, {after} out"))
    return lines


def _length(window: Window, i: int, n: int | None, out: int | None) -> str:
    """One length: (n - kernel + padding)/stride + 1, or the same turned round."""
    kernel = 1 if window.kernel is None else window.kernel[i]
    stride, dilation, (before, after) = window.strides[i], window.dilations[i], window.pads[i]
    extent = dilation * (kernel - 1) + 1
    size = "?" if n is None else str(n)
    spans = f"; {kernel} cells {dilation} apart span {dilation}*({kernel} - 1) + 1 = {extent}"
    note = spans if dilation > 1 and kernel > 1 else ""
    if window.transposed:
        return _transposed(size, extent, stride, before + after, n, out) + note
    if kernel == stride == 1 and (before or after):
        return f"{size}{_signed(before)}{_signed(after)} = {'?' if out is None else out}"
    padding = f"2*{before}" if before == after else f"{before} + {after}"
    text = f"({size} - {extent} + {padding})/{stride} + 1"
    if n is None or out is None:
        return f"{text} = ?{note}"
    exact = (n - extent + before + after) / stride + 1
    if exact == out:
        return f"{text} = {out}{note}"
    unseen = (n - extent + before + after) % stride
    rest = f"the last {unseen} are in no window" if unseen > 1 else "the last one is in no window"
    return f"{text} = {exact:g}, rounded down to {out}: {rest}{note}"


def _transposed(
    size: str, extent: int, stride: int, cut: int, n: int | None, out: int | None
) -> str:
    if extent == stride and not cut:
        return f"{size}*{stride} = {'?' if out is None else out}"
    text = f"({size} - 1)*{stride} + {extent}"
    if cut:
        text += f" - {cut} cut off"
    if n is None or out is None:
        return f"{text} = ?"
    more = out - ((n - 1) * stride + extent - cut)
    return f"{text} + {more} added = {out}" if more else f"{text} = {out}"


def _signed(n: int) -> str:
    return f" - {-n}" if n < 0 else f" + {n}"


def _merge_lines(inputs: Shapes, output: Shape) -> list[Line]:
    if all(len(x) == len(output) for x in inputs):
        for axis, out in enumerate(output):
            parts = [x[axis] for x in inputs]
            if out is not None and None not in parts and sum(filter(None, parts)) == out:
                summed = " + ".join(map(str, parts))
                return [(f"axis {axis}", f"{summed} = {out}, one after the other")]
    if output in inputs:
        return [("shape", f"element by element, from {len(inputs)} inputs")]
    return []


def parameter_line(weights: Sequence[NodeWeight]) -> str:
    """`3*3*1*32 weights + 32 biases = 320`, and what of it is not trained."""
    if not weights:
        return "none"
    parts = [
        f"{product(w.weight.shape)} {NOUNS.get(w.weight.name, w.weight.name)}" for w in weights
    ]
    total = sum(weight.count for weight in weights)
    text = f"{' + '.join(parts)} = {total:,}"
    fixed = [weight for weight in weights if not weight.trainable]
    if len(fixed) == len(weights):
        return f"{text}; none is trained"
    if fixed:
        names = ", ".join(weight.weight.name for weight in fixed)
        text += f"; {sum(w.count for w in fixed):,} are not trained ({names})"
    return text
