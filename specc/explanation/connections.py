"""How a layer is connected, against a dense layer between the same numbers of elements."""

from __future__ import annotations

import math
from fractions import Fraction

from specc.explanation.arithmetic import Line, product
from specc.layer import Cost, Layer, Shapes
from specc.network.graph import NodeWeight
from specc.receptive import Field, Fields
from specc.tensors import elements


def work_line(work: Cost, inputs: Shapes, outputs: Shapes) -> str:
    """MACs and FLOPs of one sample."""
    if not work.macs and not work.ops:
        return "none: elements are only moved"
    flops = 2 * work.macs + work.ops
    if not work.macs:
        return f"{flops:,} FLOPs, no MACs"
    text = f"{work.macs:,} MACs"
    for what, shape in (("outputs", outputs[0]), ("inputs", inputs[0])):
        count = elements(shape[1:])
        if work.macs % count == 0:
            text = f"{product(shape[1:])} {what} * {work.macs // count} = {text}"
            break
    return f"{text}; {flops:,} FLOPs (2 for each MAC, {work.ops:,} other)"


def connection_lines(
    layer: Layer, work: Cost, inputs: Shapes, outputs: Shapes, weights: tuple[NodeWeight, ...]
) -> list[Line]:
    """Sparse connectivity and parameter sharing; what a pool looks at."""
    window = layer.window(inputs)
    if not work.macs:
        if window is None or window.kernel is None or math.prod(window.kernel) == 1:
            return []
        cells = product(window.kernel)
        if window.transposed:
            return [("looks at", f"nothing new: each input is copied to {cells} outputs")]
        seen = f"each output looks at {cells} = {math.prod(window.kernel)} inputs of its channel"
        return [("looks at", seen)]
    kernels = sum(w.count for w in weights if w.weight.name.endswith("kernel"))
    if not kernels:
        return []
    n, m = elements(inputs[0][1:]), elements(outputs[0][1:])
    dense = n * m
    if work.macs == dense:
        return [("connections", f"{n:,} inputs * {m:,} outputs = {dense:,}: all to all")]
    pads = () if window is None else window.pads
    padded = " (those to the padding included)" if any(map(any, pads)) else ""
    fewer = _times(Fraction(dense, work.macs))
    lines = [
        ("connections", f"{work.macs:,}{padded}, each multiplies one input by one weight"),
        ("dense instead", f"{n:,} inputs * {m:,} outputs = {dense:,} connections and weights"),
        (
            "sparse connectivity",
            f"{fewer} fewer connections than dense",
        ),
    ]
    uses = Fraction(work.macs, kernels)
    lines.append(("parameter sharing", f"{kernels:,} weights, each used {_times(uses)}"))
    return lines


def _times(ratio: Fraction) -> str:
    number = f"{round(ratio):,}" if ratio >= 10 else f"{float(ratio):.3g}"  # noqa: PLR2004
    return f"{number} times"


def field_lines(fields: Fields) -> list[Line]:
    """The receptive field so far, for each input that has one."""
    seen = {name: field for name, field in fields.items() if field.axes}
    return [
        ("receptive field" if i == 0 else "", f"{_field(field)} of {name}")
        for i, (name, field) in enumerate(seen.items())
    ]


def _field(field: Field) -> str:
    text = " x ".join("?" if n is None else str(n) for n in field.sizes)
    whole = " x ".join("?" if n is None else str(n) for n in field.whole)
    if field.sizes == field.whole and field.spans is None:
        return f"all {text}"
    known = zip(field.sizes, field.whole, strict=True)
    if all(a is not None and b is not None and a >= b for a, b in known):
        text += f" (padding included) and so all {whole}"
    if field.jumps is None:
        return text
    jumps = " x ".join(map(str, field.jumps))
    return f"{text}, in steps of {jumps},"
