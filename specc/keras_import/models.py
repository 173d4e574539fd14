"""Model configurations become `ModelSpec`s; nested ones are collected for `Spec.models`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast, get_args

from specc.keras_import.functional import functional
from specc.keras_import.nodes import layer_name
from specc.keras_import.objects import Objects, config_of, is_model
from specc.keras_import.source import Json
from specc.layer import InputLayer
from specc.layers import Layer
from specc.spec.model import Entry, InputSpec, ModelSpec
from specc.tensors import DType


class Models:
    """Reads models, and collects the nested ones under names that are unique in the whole."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        objects.model = self.held
        self.models: dict[str, ModelSpec] = {}
        self.taken: set[str] = set()

    def whole(self, config: Json) -> ModelSpec:
        """The outermost model."""
        body = config_of(config) or config
        self.taken = set(_names(body))
        return self.model(config)

    def model(self, config: Json) -> ModelSpec:
        """A model of either kind. What is wrong with it is noted, and what is left is returned."""
        body = config_of(config) or config
        if isinstance(config.get("config"), list):
            # Keras 2.0 wrote a sequential model as its bare list of layers.
            body = {"name": "sequential", "layers": config["config"]}
        if "input_layers" in body:
            return functional(self, body)
        if "layers" in body:
            return self.sequential(body)
        self.objects.wrong(
            str(config.get("class_name", "model")),
            "neither a sequential nor a functional model; a subclassed model keeps its graph in"
            " code, which a configuration does not hold",
        )
        return ModelSpec(str(body.get("name", "model")), (), ())

    def nested(self, config: Json, *, held: bool = False) -> str:
        """Read a model inside another one; its key in `Spec.models`.

        One that a layer holds has no row in a summary, and a key that no layer has for its name.
        """
        model = self.model(config)
        key, n = model.name, 0
        while key in self.models or ((n or held) and key in self.taken):
            n += 1
            key = f"{model.name}_{n}"
        self.models[key] = model
        return key

    def held(self, config: Json) -> str:
        """Read a model in the place of a layer inside a layer; its key in `Spec.models`."""
        return self.nested(config, held=True)

    def layer(self, config: Json, name: str) -> Layer | None:
        """A layer that is no model; None when it cannot be expressed."""
        return self.objects.member(Layer, config, name)

    def input(self, config: Json, name: str) -> InputSpec:
        """An `InputLayer`, or the shape that a first layer carries."""
        shape = config.get("batch_shape") or config.get("batch_input_shape") or [None]
        dtype = config.get("dtype") or "float32"
        for key, wanted in (("sparse", False), ("ragged", False), ("optional", False)):
            if config.get(key, wanted) not in (wanted, None):
                self.objects.wrong(name, f"{key}: {config[key]!r} is not supported")
        if dtype not in get_args(DType):
            self.objects.wrong(name, f"an input of type {dtype!r} is not supported")
            dtype = "float32"
        wrong = [n for n in shape if n is not None and (type(n) is not int or n < 1)]
        if wrong:
            self.objects.wrong(name, f"expected lengths of at least 1 or null, found {wrong[0]!r}")
            shape = [None]
        layer = InputLayer(tuple(shape[1:]), cast("DType", dtype), shape[0])
        return InputSpec(name, layer)

    def sequential(self, body: Json) -> ModelSpec:
        """A chain of layers."""
        name = str(body.get("name", "sequential"))
        layers = cast("list[Json]", body["layers"])
        first: Json = layers[0] if layers else {}
        shape = config_of(first).get("batch_input_shape") or body.get("build_input_shape")
        inputs: tuple[InputSpec, ...] = ()
        if first.get("class_name") == "InputLayer":
            inputs = (self.input(config_of(first), layer_name(first)),)
            layers = layers[1:]
        elif shape:
            inputs = (self.input({"batch_shape": shape}, "input_layer"),)
        else:
            self.objects.wrong(name, "has no input shape: build the model in Keras first")
        entries = [self.first_call(layer, layer_name(layer)) for layer in layers]
        found = tuple(entry for entry in entries if entry is not None)
        trainable = bool(body.get("trainable", True))
        return ModelSpec(name, inputs, found, kind="sequential", trainable=trainable)

    def first_call(self, config: Json, name: str) -> Entry | None:
        """The entry of a layer or nested model, its inputs left open."""
        if is_model(config):
            return Entry(name, call=self.nested(config))
        layer = self.layer(config, name)
        return None if layer is None else Entry(name, layer)

    def input_names(self, entry: Entry) -> tuple[str, ...]:
        """The inputs of a nested model that an entry calls; none for a layer."""
        model = self.models.get(entry.call or "")
        return () if model is None else tuple(item.name for item in model.inputs)


def _names(body: Json) -> Iterator[str]:
    """Names of every layer, those of nested models included."""
    for layer in cast("Sequence[Json]", body.get("layers", [])):
        yield layer_name(layer)
        yield from _names(config_of(layer))
