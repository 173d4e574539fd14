"""The Gemm limit: what the matrix products of a model's direct form cost on onnxruntime alone.

Each convolution, dense layer, recurrence and attention counts the products of its plain form at
their real shapes: one forward, and in training two for the gradients (one where the input is the
model's own). Copies, activations, normalization, depthwise convolutions and updates cost nothing
here, so no program of that form is faster; one with fewer products (Winograd's) can be.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper

# (m, k, n): (m, k) x (k, n)
Shape = tuple[int, int, int]
REPEATS, BUDGET = 8, 0.15


def products(plan: dict[str, Any], *, training: bool) -> Iterator[tuple[Shape, int]]:
    """Shapes of the model's matrix products, each with how often it is made in a row."""
    sources = {item["name"] for item in plan["inputs"]}
    for call in plan["calls"]:
        first = call["inputs"][0] in sources
        for shape, count, weighted in forward(call, plan["batch"]):
            m, k, n = shape
            yield shape, count
            if training:
                yield (m, n, k), count  # gradient of the second factor's side
                if not (first and weighted):
                    yield (k, m, n), count


def forward(call: dict[str, Any], batch: int) -> Iterator[tuple[Shape, int, bool]]:
    """Products of a call: (outputs, terms, positions), how many, whether one factor is a weight."""
    kind, before, after = call["kind"], call["input_shapes"][0], call["shape"]
    fields = call["fields"]
    if kind == "conv2d":
        size = fields["kernel_size"]
        window = math.prod(size) if isinstance(size, (list, tuple)) else size**2
        yield (after[-1], window * before[-1], batch * math.prod(after[:-1])), 1, True
    elif kind == "dense":
        yield (after[-1], before[-1], batch * math.prod(after[:-1])), 1, True
    elif kind == "lstm":
        units, steps = fields["units"], before[0]
        yield (4 * units, before[-1], batch * steps), 1, True
        yield (4 * units, units, batch), steps, False
    elif kind == "multi_head_attention":
        heads, size = fields["num_heads"], fields["key_dim"]
        steps, width = before
        yield (heads * size, width, batch * steps), 3, False
        yield (steps, size, steps), batch * heads, False
        yield (steps, steps, size), batch * heads, False
        yield (width, heads * size, batch * steps), 1, False


def limit(plan: dict[str, Any], threads: int, *, training: bool) -> dict[str, float]:
    """Milliseconds of all products, and their GFLOP."""
    times: dict[Shape, float] = {}
    total = flops = 0.0
    for shape, count in products(plan, training=training):
        if shape not in times:
            times[shape] = min(timed(shape, threads, form) for form in ("plain", "nt", "tn"))
        total += count * times[shape]
        flops += count * 2e-9 * math.prod(shape)
    return {"ms": total, "gflop": flops}


def timed(shape: Shape, threads: int, form: str) -> float:
    """Best time of one product in ms, the factors stored as `form` says."""
    m, k, n = shape
    sides = {
        "plain": ((m, k), (k, n), {}),
        "nt": ((m, k), (n, k), {"transB": 1}),
        "tn": ((k, m), (k, n), {"transA": 1}),
    }
    left, right, attributes = sides[form]
    node = helper.make_node("Gemm", ["a", "b"], ["y"], **attributes)
    kinds = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(dims))
        for name, dims in (("a", left), ("b", right), ("y", (m, n)))
    ]
    graph = helper.make_graph([node], "product", kinds[:2], kinds[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(0)
    binding = session.io_binding()
    binding.bind_ortvalue_input("a", ort.OrtValue.ortvalue_from_numpy(random(rng, left)))
    binding.bind_ortvalue_input("b", ort.OrtValue.ortvalue_from_numpy(random(rng, right)))
    result = ort.OrtValue.ortvalue_from_numpy(np.zeros((m, n), np.float32))
    binding.bind_ortvalue_output("y", result)
    best, began = math.inf, time.perf_counter()
    for _ in range(REPEATS):
        start = time.perf_counter()
        session.run_with_iobinding(binding)
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - began > BUDGET:
            break
    return best * 1e3


def random(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.random(shape, np.float32) - 0.5
