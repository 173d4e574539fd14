"""Targets by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from specc.errors import CompileError, nearest
from specc.targets import cpu, portable
from specc.targets.realiser import Planner, Rules

TargetName: TypeAlias = Literal["portable", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Target:
    """How primitives become ONNX ops, and the opset they are written in."""

    name: str
    rules: Rules
    planner: Planner | None = None
    opset: int = 18


TARGETS: dict[str, Target] = {
    "portable": Target("portable", portable.PORTABLE),
    "cpu": Target("cpu", cpu.CPU, cpu.plan),
    # Conv, its gradients as ConvTranspose and Conv, and pools all have CUDA kernels at opset 18.
    "cuda": Target("cuda", portable.PORTABLE),
}


def target(name: str) -> Target:
    """The target called `name`.

    Raises:
        CompileError: there is none.
    """
    if name not in TARGETS:
        raise CompileError(f"unknown target {name!r};{nearest(name, TARGETS)}")
    return TARGETS[name]
