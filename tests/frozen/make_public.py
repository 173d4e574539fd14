"""Writes keras_public.json: every class that Keras 3.15.1 makes public, with its parameters.

Needs Keras 3.15.1: python make_public.py
"""

import inspect
import json
import re
from pathlib import Path

import keras

HERE = Path(__file__).parent
FAMILIES = {
    "layer": keras.layers,
    "loss": keras.losses,
    "metric": keras.metrics,
    "optimizer": keras.optimizers,
    "schedule": keras.optimizers.schedules,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
    "initializer": keras.initializers,
}
# Functions that stand for a member of their family in `compile`.
FUNCTIONS = ("loss", "metric", "regularizer", "constraint", "initializer")
TOOLS = {"deserialize", "get", "serialize"}


def plain(value):
    return list(map(plain, value)) if isinstance(value, tuple) else value


def parameters(cls):
    """[name] or [name, default] of each parameter of a constructor."""
    every = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return [
        [p.name] if p.default is p.empty else [p.name, plain(p.default)]
        for p in every
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]


def listed(family, module):
    found = {}
    for name, thing in sorted(vars(module).items()):
        if inspect.isclass(thing):
            found[name] = {"class": thing.__name__, "parameters": parameters(thing)}
        elif inspect.isfunction(thing) and family in FUNCTIONS and name not in TOOLS:
            found[name] = {"function": thing.__name__}
    return found


def operations():
    """The class of each function of keras.ops that functional models hold as an operation."""
    found = {}
    for module in (keras.ops, keras.ops.nn, keras.ops.numpy, keras.ops.image, keras.ops.linalg):
        for name, function in sorted(vars(module).items()):
            if inspect.isfunction(function):
                made = re.findall(r"\b([A-Z]\w+)\(", inspect.getsource(function))
                kinds = vars(inspect.getmodule(function))
                named = [kind for kind in made if inspect.isclass(kinds.get(kind))]
                own = [kind for kind in named if issubclass(kinds[kind], keras.Operation)]
                if own:
                    found[name] = own[0]
    return found


if __name__ == "__main__":
    found = {family: listed(family, module) for family, module in FAMILIES.items()}
    found["operation"] = {name: {"class": kind} for name, kind in operations().items()}
    text = json.dumps(found, separators=(",", ":"), default=repr)
    (HERE / "keras_public.json").write_text(text.replace('},"', '},\n"') + "\n")
    print({family: len(names) for family, names in found.items()})
