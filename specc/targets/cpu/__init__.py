"""The CPU target: images lie [C, H, W, N], and a convolution is one Gather and one big Gemm.

onnxruntime's Conv works image by image, which is slow for small images and large batches, and the
textbook gradients of Conv are 2-4 times slower still (docs/performance.md). With the batch
innermost, Gather copies whole rows of N floats, and its adjoint is again a Gather.
"""

from collections.abc import Mapping, Sequence

from specc.primitives import Tensor
from specc.targets import attention
from specc.targets.cpu import fusion, normalised
from specc.targets.cpu.conv import CPU as CPU
from specc.targets.realiser import Planned


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> dict[int, Planned | None]:
    """Which tensors take over what feeds them: max-pools, normalisations, weighed values."""
    plans = (each.plan(tensors, users) for each in (attention, normalised, fusion))
    return {key: planned for found in plans for key, planned in found.items()}
