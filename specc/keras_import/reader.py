"""`from_keras`: a Keras configuration becomes a spec."""

from __future__ import annotations

from pathlib import Path

from specc.errors import Problem, SpecError
from specc.keras_import.assets import adapted
from specc.keras_import.models import Models
from specc.keras_import.objects import Objects
from specc.keras_import.source import Json, read
from specc.keras_import.training import train_spec
from specc.spec.model import Spec

# A configuration has no schema; where its structure is broken, reading it ends in one of these.
MALFORMED = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


def from_keras(config: Json | str | Path, compile_config: Json | None = None) -> Spec:
    """The spec of a Keras model.

    Args:
        config: what `model.to_json()` or `get_config()` gives, as a mapping or JSON text, or the
            path of a .json or .keras file. Weights are not read.
        compile_config: what `get_compile_config()` gives: optimizer, loss, loss_weights, metrics.
            By default what the configuration itself holds; an empty mapping leaves it out.

    Raises:
        SpecError: something cannot be expressed; every such thing, with its layer's name.
    """
    body, file = read(config)
    objects = Objects(file)
    models = Models(objects)
    training = body.get("compile_config") if compile_config is None else compile_config
    try:
        body = adapted(objects, body, Path(file)) if file else body
        model = models.whole(body)
        inputs = [item.layer for each in (model, *models.models.values()) for item in each.inputs]
        batch = next((layer.batch for layer in inputs if layer.batch is not None), None)
        train = train_spec(objects, training, batch) if training else None
    except MALFORMED as error:
        message = f"not a configuration that Keras writes: {type(error).__name__}: {error}"
        raise SpecError(Problem(objects.place, "", message)) from error
    objects.problems.check()
    return Spec(model, models.models, train, file=file)
