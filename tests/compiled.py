"""Primitive graphs as ONNX on onnxruntime, to compare with what NumPy makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
import pytest

from specc.primitives import Tensor

# The compiler came after the families; a checkout without it tests them in NumPy only.
builder = pytest.importorskip("specc.compiler.builder")


class NoWeights:
    """A weight source for graphs of inputs alone."""


def run(
    outputs: Sequence[Tensor],
    feeds: Mapping[Tensor, np.ndarray],
    gradient_of: Tensor | None = None,
    target_name: str = "portable",
) -> list[np.ndarray]:
    """Values of `outputs`; with `gradient_of`, also the first one's gradient, in its shape."""
    from specc.autodiff import gradients
    from specc.targets.layout import plain
    from specc.targets.target import target

    wanted = target(target_name)
    made = builder.Builder(wanted, {}, wanted.opset)
    made.declare([*outputs, *feeds])
    realiser = made.realiser(NoWeights())
    values = [plain(x, t.shape) for x, t in zip(realiser.realise(outputs), outputs, strict=True)]
    if gradient_of is not None:
        x = realiser.place(gradient_of).value
        seed = made.graph.const(1.0, values[0].dtype)
        values += gradients(made.graph, [(values[0], seed)], [x])
    for index, value in enumerate(values):
        made.output(f"out{index}", value, "output")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = made.program("test", {}).model
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = {each.name for each in session.get_inputs()}
    given = {t.attrs["name"]: np.asarray(value) for t, value in feeds.items()}
    found = session.run(None, {name: given[name] for name in names})
    if gradient_of is not None:
        found[-1] = found[-1].reshape(feeds[gradient_of].shape)
    return found
