"""Vector-Jacobian products of a model: outputs and gradients of one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc import feeding
from specc.compiler.state import ITERATIONS, StateMap
from specc.data.rows import whole
from specc.session import Runner
from specc.versions import Version

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Vjp:
    """Outputs and gradients of one call; lists in Keras' order.

    Attributes:
        outputs: of the model.
        input_grads: d(sum of cotangent . output) / d(input); None where no gradient flows.
        weight_grads: the same for each weight; None for weights that training does not change.
        weights: after the call: moving statistics move when `training`.
    """

    outputs: list[Array]
    input_grads: list[Array | None]
    weight_grads: list[Array | None]
    weights: list[Array]


def pull_back(
    version: Version,
    runner: Runner,
    inputs: Sequence[npt.ArrayLike],
    cotangents: Sequence[npt.ArrayLike | None],
) -> Vjp:
    """What a vector-Jacobian product gives for these inputs and cotangents, as of `Model.vjp`.

    Raises:
        DataError: the arrays do not fit.
    """
    known = {p.name: p for p in runner.program.inputs}
    ports = version.bundle.inputs
    named = feeding.by_name("inputs", [p.name for p in ports], inputs)
    given = feeding.inputs(ports, named)
    fed = {port.name: whole(a) for port, a in zip(ports, given, strict=True)}
    pulled = feeding.by_name("cotangents", version.compiler.output_names, cotangents)
    for name, array in pulled.items():
        port = known.get(f"cotangent/{name}")
        if port is not None:
            fed[port.name] = feeding.cotangent(port, array, len(given[0]))
    state = version.engine.state()
    packed = StateMap(tuple(t for t in version.bundle.state.tensors if t.of_model)).pack(state)
    fed |= {name: array for name, array in packed.items() if name in known}
    fed[ITERATIONS] = state.get(ITERATIONS, np.array(0, np.int64))
    return _result(version, runner.run(fed))


def _result(version: Version, found: Mapping[str, Array]) -> Vjp:
    bundle = version.bundle
    after = version.engine.weights()
    grads: dict[str, Array | None] = {}
    for tensor in (t for t in bundle.state.tensors if t.of_model):
        for e in tensor.elements:
            grad = found.get(f"grad/{e.name}")
            grads[e.name] = None if grad is None else e.storage.unpack(grad, e.shape)
        if f"next/{tensor.name}" in found:
            after = after | tensor.unpack(found[f"next/{tensor.name}"])
    return Vjp(
        [found[name] for name in version.compiler.output_names],
        [found.get(f"grad/{p.name}") for p in bundle.inputs],
        [grads.get(w.name) for w in bundle.weights],
        [after[w.name] for w in bundle.weights],
    )
