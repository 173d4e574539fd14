"""Short ways to write specs in tests."""

from specc.errors import Place
from specc.layer import InputLayer
from specc.layers import Layer
from specc.spec.model import Entry, InputSpec, ModelSpec, Reference, Spec


def ref(text):
    """`a` or `a[1]`."""
    name, _, output = text.partition("[")
    return Reference(name, int(output.rstrip("]") or 0) if output else 0)


def entry(name, layer=None, *inputs, line=0, call=None, **arguments):
    """An entry; inputs by name, arguments as `query="a"`."""
    return Entry(
        name,
        None if layer is None else Layer.parse(layer),
        call,
        tuple(ref(item) for item in inputs) or None,
        {key: ref(value) for key, value in arguments.items()},
        place=Place("m.yaml", line, 3) if line else Place(),
        path=f"layers[{line}]" if line else "",
    )


def model(inputs, *entries, outputs=(), name="m", **more):
    """A model; `inputs` maps names to shapes without the batch."""
    items = tuple(InputSpec(key, InputLayer(tuple(shape))) for key, shape in inputs.items())
    return ModelSpec(name, items, entries, tuple(ref(item) for item in outputs), **more)


def spec(inputs, *entries, outputs=(), models=None, train=None, **more):
    """A spec around one model."""
    return Spec(model(inputs, *entries, outputs=outputs, **more), models or {}, train)
