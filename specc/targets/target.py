"""Targets by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from specc.errors import CompileError, nearest
from specc.targets import attention, cpu, internal, portable
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.targets.realiser import Planner, Rules

TargetName: TypeAlias = Literal["portable", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Target:
    """How primitives become ONNX ops, and the opset they are written in.

    Attributes:
        planner: of graphs that gradients are taken of.
        serving: of those that only predict.
        choosing: whether its rules choose by costs.
        costs: of a calibration; None: the fixed defaults.
        extending: whether it has rules with internal operators.
        internal: those that it uses; None: operators of ONNX alone.
    """

    name: str
    rules: Rules
    planner: Planner | None = None
    serving: Planner | None = None
    opset: int = 18
    choosing: bool = False
    costs: KernelCosts | None = None
    extending: bool = False
    internal: InternalOps | None = None

    def allowed(self, ops: InternalOps) -> Target:
        """The target with internal operators.

        Raises:
            CompileError: it has no rules with them.
        """
        if not self.extending:
            able = " or ".join(each.name for each in TARGETS.values() if each.extending)
            raise CompileError(
                f"target {self.name}: expected {able}, the target that can use onnxruntime's"
                " internal operators; name it, or compile without them"
            )
        return replace(
            self,
            rules=internal.INTERNAL,
            planner=internal.plan,
            serving=internal.plan,
            internal=ops,
        )


TARGETS: dict[str, Target] = {
    "portable": Target("portable", portable.PORTABLE, serving=attention.plan),
    "cpu": Target("cpu", cpu.CPU, cpu.plan, cpu.plan, choosing=True, extending=True),
    # Conv, its gradients as ConvTranspose and Conv, and pools all have CUDA kernels at opset 18.
    "cuda": Target("cuda", portable.PORTABLE, serving=attention.plan),
}


def target(name: str, costs: KernelCosts | None = None) -> Target:
    """The target called `name`, which chooses by the costs of a calibration if they are given.

    Raises:
        CompileError: there is none, or it has nothing to choose by costs.
    """
    if name not in TARGETS:
        raise CompileError(f"unknown target {name!r};{nearest(name, TARGETS)}")
    found = TARGETS[name]
    if costs is None:
        return found
    if not found.choosing:
        able = " or ".join(each.name for each in TARGETS.values() if each.choosing)
        raise CompileError(
            f"target {name}: expected {able}, the target that chooses by measured costs;"
            " name it, or compile without a calibration"
        )
    return replace(found, costs=costs)
