"""From a spec to ONNX programs."""

from __future__ import annotations

from specc.compiler.bundle import Bundle, bundle
from specc.compiler.compiler import Compiler
from specc.spec.model import Spec


def compile_spec(spec: Spec, target: str = "portable", opset: int | None = None) -> Bundle:
    """The programs of a spec: `infer`, and with a `train:` section `train` and `eval`.

    Args:
        spec: from `specc.load` or `specc.from_keras`.
        target: how primitives become ONNX ops: `portable`, `cpu` or `cuda`.
        opset: of ai.onnx; the target's own when None (18 for `portable`).

    Raises:
        SpecError, CompileError: the spec does not resolve or compile.
    """
    return bundle(Compiler.of(spec, target, opset))
