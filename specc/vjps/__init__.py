"""Reverse rules of ONNX ops, one function per op.

To add one: write `@vjp("Op")` in the file of its family. The docstring gives the forward equation
and each adjoint; the body is the same expression in the same order. Return one gradient per input
and None where nothing flows; the engine prunes, sums over broadcast axes and accumulates. Add a
case to `tests/vjps/`: a test fails for an op without one.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
