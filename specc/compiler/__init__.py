"""From a spec to ONNX programs."""

from __future__ import annotations

from specc.compiler.bundle import Bundle, bundle
from specc.compiler.compiler import Compiler
from specc.spec.model import Spec
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts


def compile_spec(
    spec: Spec,
    target: str = "portable",
    opset: int | None = None,
    costs: KernelCosts | None = None,
    internal: InternalOps | None = None,
) -> Bundle:
    """The programs of a spec: `infer`, and with a `train:` section `train` and `eval`.

    Args:
        spec: from `specc.load` or `specc.from_keras`.
        target: how primitives become ONNX ops: `portable`, `cpu` or `cuda`.
        opset: of ai.onnx; the target's own when None (18 for `portable`).
        costs: what target `cpu` chooses lowerings by, of `specc.calibrated_costs`; fixed defaults
            when None.
        internal: of `specc.internal_ops`: there may be a program `train_full` beside `train`, for
            batches of `train.batch_size` samples, with internal operators of that onnxruntime.

    Raises:
        SpecError, CompileError: the spec does not resolve or compile.
    """
    return bundle(Compiler.of(spec, target, opset, costs=costs, internal=internal))
