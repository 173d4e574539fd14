"""Whether this onnxruntime has the internal operators that a training graph was made for.

Graphs with them load only where onnxruntime registers them, and give other numbers where its
blocks have another size, so both are looked at before such a graph runs.
"""

from __future__ import annotations

import functools
import platform

import numpy as np

from specc.errors import RuntimeSetupError
from specc.graph import Graph
from specc.onnx_model import to_bytes
from specc.session import Device, loading_errors, open_session, runtime_version
from specc.targets.blocks import InternalOps
from specc.targets.internal.nchwc import blocked

# A multiple of every size that a block may have.
_CHANNELS = 64


@functools.cache
def internal_ops() -> InternalOps:
    """The internal operators of this onnxruntime on this processor: `internal` of `specc.Model`.

    Two pixels are brought into blocks: how many channels of the first come before the second is
    what a block holds.

    Raises:
        RuntimeSetupError: there are none, as on processors without AVX.
    """
    g = Graph()
    x = g.input("x", "float32", (1, 1, 2, _CHANNELS))
    model = to_bytes(g, "blocks", [x], {"y": blocked(x)})
    pixels = np.repeat(np.arange(2, dtype=np.float32), _CHANNELS).reshape(1, 1, 2, _CHANNELS)
    try:
        (y,) = open_session(model, threads=1).run(["y"], {"x": pixels})
    except loading_errors() as error:
        raise RuntimeSetupError(
            f"internal operators: onnxruntime {runtime_version()} has none for images in blocks of"
            f" channels on this {platform.machine()} processor; compile or train without"
            " --allow-internal-ops (in Python without `internal`)"
        ) from error
    return InternalOps(runtime_version(), int(np.argmax(y.ravel() == 1.0)))


def require(wanted: InternalOps, name: str, device: Device = "cpu") -> None:
    """Make sure that a training graph with internal operators means here what it was made for.

    Raises:
        RuntimeSetupError: it does not: another version, another size of blocks, none, or CUDA.
    """
    made = (
        f"{name}: its training graph has internal operators of onnxruntime {wanted.runtime} with"
        f" blocks of {wanted.block} channels"
    )
    again = "compile or train it again here"
    if device != "cpu":
        raise RuntimeSetupError(f"{made}, which run on the CPU; choose that device, or {again}")
    try:
        here = internal_ops()
    except RuntimeSetupError as error:
        raise RuntimeSetupError(f"{made}; {error}") from error
    if here == wanted:
        return
    found = f"found onnxruntime {here.runtime} with blocks of {here.block}"
    if here.block == wanted.block:
        again = f"install onnxruntime=={wanted.runtime}, or {again}"
    raise RuntimeSetupError(f"{made}; {found}; {again}")
