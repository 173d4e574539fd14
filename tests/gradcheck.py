"""Gradients against differences: u . (J v) by two forward runs, (J^T u) . v by the compiled graph.

Everything runs in float64 on ONNX's reference evaluator, which shares no code with onnxruntime.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from specc import vjps
from specc.autodiff import gradients
from specc.graph import Graph, Value
from specc.onnx_model import to_bytes
from specc.tensors import BATCH, Dims, Sym

__all__ = ["Build", "Gradcheck", "gradcheck", "spaced", "vjps"]

Array = np.ndarray
# From a graph and its inputs to one output or several.
Build = Callable[..., Any]
STEP = 1e-5
TOLERANCE = 1e-6


def spaced(*shape: int, seed: int = 0, gap: float = 0.1) -> Array:
    """Shuffled numbers on both sides of 0, `gap` from each other and gap / 2 from 0."""
    count = int(np.prod(shape))
    values = (np.arange(count) - count // 3 + 0.5) * gap
    return np.random.default_rng(seed).permutation(values).reshape(shape)


class ConvTranspose(OpRun):
    """In loops over the window: the evaluator's own goes wrong with groups (onnx 1.23)."""

    def _run(self, x, w, bias=None, dilations=None, group=1, output_padding=None, pads=None,
             strides=None, **_):  # fmt: skip
        spatial = x.ndim - 2
        wide = [
            (x.shape[i + 2] - 1) * strides[i] + dilations[i] * (w.shape[i + 2] - 1) + 1
            + output_padding[i]
            for i in range(spatial)
        ]  # fmt: skip
        ins, outs = x.shape[1] // group, w.shape[1]
        y = np.zeros((len(x), outs * group, *wide), x.dtype)
        for cell in np.ndindex(*w.shape[2:]):
            at = tuple(
                slice(c * d, c * d + (n - 1) * s + 1, s)
                for c, d, n, s in zip(cell, dilations, x.shape[2:], strides, strict=True)
            )
            for k in range(group):
                mine, theirs = slice(k * ins, (k + 1) * ins), slice(k * outs, (k + 1) * outs)
                part = np.einsum("nc...,co->no...", x[:, mine], w[(mine, slice(None), *cell)])
                y[(slice(None), theirs, *at)] += part
        inner = tuple(slice(pads[i], wide[i] - pads[i + spatial]) for i in range(spatial))
        y = y[(slice(None), slice(None), *inner)]
        return (y if bias is None else y + bias.reshape(-1, *[1] * spatial),)


def _cells(x: Array, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int]) -> Array:
    """Every cell of every window, NaN in the padding. Shapes: result (cells, N, C, *windows)."""
    spatial = x.ndim - 2
    wide = [(0, 0), (0, 0), *zip(pads[:spatial], pads[spatial:], strict=True)]
    padded = np.pad(x, wide, constant_values=np.nan)
    counts = [(n - k) // s + 1 for n, k, s in zip(padded.shape[2:], kernel, strides, strict=True)]
    cells = [
        padded[(..., *(slice(c, c + (n - 1) * s + 1, s) for c, n, s in zip(cell, counts, strides)))]  # noqa: B905
        for cell in np.ndindex(*kernel)
    ]
    return np.stack(cells)


class MaxPool(OpRun):
    """By slices: the evaluator's own fails for some paddings (onnx 1.23)."""

    def _run(self, x, kernel_shape=None, strides=None, pads=None, **_):
        return (np.nanmax(_cells(x, kernel_shape, strides, pads), axis=0),)


class AveragePool(OpRun):
    """By slices, as MaxPool."""

    def _run(self, x, count_include_pad=0, kernel_shape=None, strides=None, pads=None, **_):
        cells = _cells(x, kernel_shape, strides, pads)
        return (np.mean(np.nan_to_num(cells), 0) if count_include_pad else np.nanmean(cells, 0),)


class Erf(OpRun):
    """In the precision of its input: the evaluator's own rounds to float32."""

    def _run(self, x):
        return (np.vectorize(math.erf, otypes=[float])(x).astype(x.dtype),)


class Pad(OpRun):
    """Of zeros, and with pads below 0, which cut: the evaluator's own refuses those (onnx 1.23)."""

    def _run(self, x, pads, value=None, axes=None, mode="constant"):
        assert mode == "constant"
        places = range(x.ndim) if axes is None else axes
        before, after = np.split(np.asarray(pads), 2)
        for axis, b, a in zip(places, before, after, strict=True):
            x = np.moveaxis(x, axis, 0)
            x = x[max(0, -b) : len(x) - max(0, -a)]
            wide = [(max(0, b), max(0, a)), *[(0, 0)] * (x.ndim - 1)]
            x = np.pad(x, wide, constant_values=0 if value is None else value)
            x = np.moveaxis(x, 0, axis)
        return (x,)


class Scan(OpRun):
    """Either direction; ONNX's has the forward one only."""

    def need_context(self) -> bool:
        return True

    def _run(self, *args: Array, context: Any = None, **attrs: Any) -> tuple[Array, ...]:
        rows = args[len(args) - attrs["num_scan_inputs"] :]
        states = list(args[: len(args) - len(rows)])
        ways = [1 - 2 * way for way in attrs["scan_input_directions"]]
        turned = [x[::way] for x, way in zip(rows, ways, strict=True)]
        made: list[list[Array]] = []
        for row in zip(*turned, strict=True):
            given = dict(zip(self.body.input_names, (*states, *row), strict=True))
            found = self.body.run(None, {**(context or {}), **given})
            states, parts = found[: len(states)], found[len(states) :]
            made.append(parts)
        ends = [1 - 2 * way for way in attrs["scan_output_directions"]]
        stacked = [np.stack(p)[::way] for p, way in zip(zip(*made, strict=True), ends, strict=True)]
        return (*states, *stacked)


def evaluator(model: bytes) -> ReferenceEvaluator:
    """ONNX's reference evaluator of a model."""
    return ReferenceEvaluator(model, new_ops=[AveragePool, ConvTranspose, Erf, MaxPool, Pad, Scan])


@dataclass
class Gradcheck:
    """One function with its gradients as a graph.

    Attributes:
        build: makes the outputs; called as build(graph, *values).
        inputs: an array for each input; float ones are differentiated.
        batch: which inputs have the open batch as their first axis.
        dtype: element type of what is floating.
    """

    build: Build
    inputs: Sequence[Array]
    batch: Collection[int] = ()
    dtype: Any = "float64"
    model: bytes = field(init=False)

    def __post_init__(self) -> None:
        g = Graph()
        self.inputs = [
            x.astype(self.dtype) if x.dtype.kind == "f" else x for x in map(np.asarray, self.inputs)
        ]
        xs = [
            g.input(f"x{i}", str(x.dtype), (BATCH, *x.shape[1:]) if i in self.batch else x.shape)  # type: ignore[arg-type]
            for i, x in enumerate(self.inputs)
        ]
        made = self.build(g, *xs)
        ys: Sequence[Value] = [made] if isinstance(made, Value) else list(made)
        self.floating = [i for i, x in enumerate(self.inputs) if x.dtype.kind == "f"]
        self.shapes = {k: self._lengths(y.shape) for k, y in enumerate(ys) if "float" in y.dtype}
        us = {k: g.input(f"u{k}", ys[k].dtype, ys[k].shape) for k in self.shapes}
        seeds = [(ys[k], u) for k, u in us.items()]
        found = gradients(g, seeds, [xs[i] for i in self.floating])
        outputs = {f"y{k}": y for k, y in enumerate(ys)}
        outputs |= {
            f"dx{i}": dx for i, dx in zip(self.floating, found, strict=True) if dx is not None
        }
        self.model = to_bytes(g, "gradcheck", [*xs, *us.values()], outputs)
        rng = np.random.default_rng(7)
        self.cotangents = {k: rng.normal(size=s).astype(self.dtype) for k, s in self.shapes.items()}

    def _lengths(self, shape: Dims) -> tuple[int, ...]:
        batch = len(self.inputs[next(iter(self.batch))]) if self.batch else 1
        return tuple(d.factor * batch if isinstance(d, Sym) else d for d in shape)

    def feeds(self) -> dict[str, Array]:
        """All inputs and cotangents by name."""
        given = {f"x{i}": x for i, x in enumerate(self.inputs)}
        return given | {f"u{k}": u for k, u in self.cotangents.items()}

    def check(self) -> dict[str, Array]:
        """Raise unless every gradient agrees with differences; the values at the inputs."""
        reference = evaluator(self.model)

        def run(**changed: Array) -> dict[str, Array]:
            found = reference.run(None, self.feeds() | changed)
            return dict(zip(reference.output_names, found, strict=True))

        def scalar(values: dict[str, Array]) -> float:
            return float(sum((u * values[f"y{k}"]).sum() for k, u in self.cotangents.items()))

        here = run()
        for k, shape in self.shapes.items():
            assert here[f"y{k}"].shape == shape, f"y{k}: declared {shape}, is {here[f'y{k}'].shape}"
        rng = np.random.default_rng(11)
        for i in self.floating:
            x = self.inputs[i]
            v = rng.normal(size=x.shape)
            above, below = run(**{f"x{i}": x + STEP * v}), run(**{f"x{i}": x - STEP * v})
            by_difference = (scalar(above) - scalar(below)) / (2 * STEP)
            dx = here.get(f"dx{i}", np.zeros_like(x))
            assert dx.shape == x.shape, f"dx{i}: {dx.shape} for {x.shape}"
            by_graph = float((dx * v).sum())
            noise = 1e-9 * (1 + abs(scalar(here)))
            bound = TOLERANCE * max(abs(by_difference), abs(by_graph)) + noise
            assert abs(by_difference - by_graph) <= bound, (
                f"input {i}: by differences {by_difference!r}, by the graph {by_graph!r}"
            )
        return here


def gradcheck(build: Build, *inputs: Array, batch: Collection[int] = ()) -> dict[str, Array]:
    """Check every gradient of `build` at `inputs`; the outputs y0, ... and gradients dx0, ..."""
    return Gradcheck(build, inputs, batch).check()
