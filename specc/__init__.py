"""Neural networks as data: read a spec, summarise it, compile it to ONNX, train and run it.

    spec = specc.load("specs/mnist_cnn.yaml")
    print(specc.summary(spec))
    model = specc.Model(spec)

Names are imported when they are first used, so `import specc` costs nothing and a summary needs
no onnxruntime.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from specc.version import __version__ as __version__

if TYPE_CHECKING:
    from specc.bench import calibrated_costs as calibrated_costs
    from specc.compiler import compile_spec as compile  # noqa: A004 - the contract's name
    from specc.difference import diff as diff
    from specc.errors import CompileError as CompileError
    from specc.errors import DataError as DataError
    from specc.errors import MissingRuleError as MissingRuleError
    from specc.errors import RunError as RunError
    from specc.errors import RuntimeSetupError as RuntimeSetupError
    from specc.errors import SpeccError as SpeccError
    from specc.errors import SpecError as SpecError
    from specc.explanation import explain as explain
    from specc.internal import internal_ops as internal_ops
    from specc.keras_files import keras_weights as keras_weights
    from specc.keras_import import from_keras as from_keras
    from specc.model import Model as Model
    from specc.observers import Callback as Callback
    from specc.spec.model import Spec as Spec
    from specc.spec.reader import load as load
    from specc.summaries import summary as summary
    from specc.targets.blocks import InternalOps as InternalOps
    from specc.targets.costs import KernelCosts as KernelCosts

# Where each public name is defined: module, and its name there.
_PLACES = {
    "Callback": ("specc.observers", "Callback"),
    "CompileError": ("specc.errors", "CompileError"),
    "DataError": ("specc.errors", "DataError"),
    "InternalOps": ("specc.targets.blocks", "InternalOps"),
    "KernelCosts": ("specc.targets.costs", "KernelCosts"),
    "MissingRuleError": ("specc.errors", "MissingRuleError"),
    "Model": ("specc.model", "Model"),
    "RunError": ("specc.errors", "RunError"),
    "RuntimeSetupError": ("specc.errors", "RuntimeSetupError"),
    "Spec": ("specc.spec.model", "Spec"),
    "SpecError": ("specc.errors", "SpecError"),
    "SpeccError": ("specc.errors", "SpeccError"),
    "calibrated_costs": ("specc.bench", "calibrated_costs"),
    "compile": ("specc.compiler", "compile_spec"),
    "diff": ("specc.difference", "diff"),
    "explain": ("specc.explanation", "explain"),
    "from_keras": ("specc.keras_import", "from_keras"),
    "internal_ops": ("specc.internal", "internal_ops"),
    "keras_weights": ("specc.keras_files", "keras_weights"),
    "load": ("specc.spec.reader", "load"),
    "summary": ("specc.summaries", "summary"),
}

__all__ = [
    "Callback",
    "CompileError",
    "DataError",
    "InternalOps",
    "KernelCosts",
    "MissingRuleError",
    "Model",
    "RunError",
    "RuntimeSetupError",
    "Spec",
    "SpecError",
    "SpeccError",
    "__version__",
    "calibrated_costs",
    "compile",
    "diff",
    "explain",
    "from_keras",
    "internal_ops",
    "keras_weights",
    "load",
    "summary",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name == "callbacks":  # a package whose members are public
        return import_module("specc.callbacks")
    if name not in _PLACES:
        raise AttributeError(f"module 'specc' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    """What the package offers."""
    return __all__
