"""What Keras has and no spec can say, by family and class, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from specc.keras_import.refused_operations import OPERATIONS
from specc.layer import refusal

_BASE = "is a base class; what a class of your own computes is code, which a configuration lacks"
_VALUES = "takes values, not targets and predictions; name a metric of both"
_BY_SHAPE = (
    "depends on the targets, which a spec does not see; write binary_crossentropy,"
    " categorical_crossentropy or sparse_categorical_crossentropy"
)
REASONS: Mapping[str, Mapping[str, str]] = {
    "layer": {
        "InputSpec": "is no layer",
        "Layer": _BASE,
        "Wrapper": _BASE,
    },
    "loss": {"Loss": _BASE, "ce": _BY_SHAPE, "crossentropy": _BY_SHAPE},
    "metric": {
        "Mean": _VALUES,
        "Metric": _BASE,
        "Sum": _VALUES,
    },
    "optimizer": {
        "Optimizer": _BASE,
        "OptimizerMap": "is a part of a MultiOptimizer",
    },
    "schedule": {"LearningRateSchedule": _BASE},
    "regularizer": {"Regularizer": _BASE},
    "constraint": {"Constraint": _BASE},
    "initializer": {"Initializer": _BASE},
    "operation": OPERATIONS,
}


def reason(family: str, name: str) -> str | None:
    """Why there is no kind of a family for what Keras calls `name`; None when it is not known."""
    found = REASONS.get(family, {}).get(name)
    if found is not None:
        return f"the {family} {name!r} is not supported: it {found}"
    return refusal(name) if family == "layer" else None
