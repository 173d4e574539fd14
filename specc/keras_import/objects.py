"""Keras' serialised objects become members of our families.

A Keras object is `{"module", "class_name", "config", ...}`. Its class name finds the kind, its
config keys are the kind's fields: the classes themselves are the map. Only what Keras calls
otherwise, and keys that say nothing here, are listed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TypeGuard, TypeVar, cast, get_args

from pydantic import ValidationError

from specc import activations
from specc.activations import Chosen
from specc.errors import Place, nearest
from specc.family import Member, snake_case
from specc.keras_import.refused import reason
from specc.keras_import.source import Json
from specc.layers import Layer
from specc.layers.activation import Activation
from specc.layers.applied import Wrapper
from specc.layers.operations import Operation
from specc.metrics import Metric
from specc.spec.problems import Problems

M = TypeVar("M", bound=Member)

# (family, Keras class): our key, where the class's own name or snake_case does not lead to it.
RENAMED = {
    ("metric", "Accuracy"): "exact_accuracy",
    ("initializer", "IdentityInitializer"): "identity",
    ("initializer", "OrthogonalInitializer"): "orthogonal",
    ("initializer", "STFTInitializer"): "stft",
}
# Keras' classes around a function of two tensors, which the kinds here are already.
AROUND = ("LossFunctionWrapper", "MeanMetricWrapper")

# Keys that kinds lack, and the value at which they change nothing; null never changes anything.
NEUTRAL: dict[str, object] = {"autocast": True, "sparse": False, "oov_method": "floormod"}
# Keys that other parts of the importer read, or that follow from others.
ELSEWHERE = ("name", "batch_input_shape", "vocabulary_size")
# Keras' policies that store weights in another type are refused. Mixed ones store them in float32
# and round what they compute; without the rounding it is the same model.
# Source: keras/src/dtype_policies/dtype_policy.py (3.15.1).
FLOAT = "float32"
# Layers that are functions, and which: Keras takes them for activations too.
FUNCTIONS = {
    "Activation": "linear",
    "ELU": "elu",
    "LeakyReLU": "leaky_relu",
    "ReLU": "relu",
    "Softmax": "softmax",
}
MIXED = ("mixed_float16", "mixed_bfloat16")
# Keras' wrappers of plain values.
ARRAYS = ("__tuple__", "__tensor__", "__numpy__")


class Objects:
    """Turns serialised objects into members, and notes what cannot be expressed.

    Attributes:
        mixed: layers that Keras computes in another element type than float32, and their policies.
        model: reads a model in the place of a layer, and names it.
    """

    def __init__(self, file: str) -> None:
        self.place = Place(file)
        self.problems = Problems()
        self.mixed: dict[str, str] = {}
        self.model: Callable[[Json], str] | None = None

    def wrong(self, path: str, message: str) -> None:
        """Note one problem of the thing called `path`."""
        self.problems.add(self.place, path, message)

    def member(self, family: type[M], value: object, path: str) -> M | None:
        """A member of `family` from an object or a name; None when it cannot be expressed."""
        value = unwrapped(value)
        if isinstance(value, str) and value in family.members:
            return family.parse(value)
        name: object = value["class_name"] if is_object(value) else value
        kind = find(family, name) if isinstance(name, str) else None
        why = reason(family.family_name, str(name))
        if kind is None and why is not None:
            self.wrong(path, why)
            return None
        if kind is None:
            kinds = [kind for kind in family.kinds().values() if not issubclass(kind, Operation)]
            valid = nearest(str(name), map(keras_class, kinds))
            self.wrong(path, f"unsupported {family.family_name} {name!r};{valid}")
            return None
        before = len(self.problems)
        fields = self.fields(kind, config_of(value), path)
        # A part that is wrong would only be reported again, as missing or of another type.
        if len(self.problems) > before:
            return None
        try:
            return kind.model_validate(fields)
        except ValidationError as error:
            for detail in error.errors():
                where = ".".join(map(str, detail["loc"]))
                self.wrong(path, f"{where}: {detail['msg']}" if where else detail["msg"])
        return None

    def fields(self, kind: type[Member], config: Json, path: str) -> dict[str, object]:
        """The fields of a member of `kind` from its Keras config."""
        known = kind.model_fields
        found: dict[str, object] = {}
        renamed: Mapping[str, str] = kind.renamed if issubclass(kind, Layer) else {}
        for keras, value in config.items():
            key = renamed.get(keras, keras)
            if issubclass(kind, Wrapper) and is_model(value) and self.model is not None:
                found[key] = {"call": self.model(value)}
            elif key in known:
                found[key] = self._value(known[key].annotation, value, f"{path}.{key}")
            elif key == "dtype":
                self._check_dtype(kind, value, path)
            elif key not in ELSEWHERE and value is not None and value != NEUTRAL.get(key, ...):
                self.wrong(path, f"{key}: {value!r} is not supported")
        return found

    def _value(self, annotation: object, value: object, path: str) -> object:
        """A config value as the field wants it: nested objects become members."""
        if isinstance(value, list):
            return [self._value(annotation, item, path) for item in cast("list[object]", value)]
        if isinstance(value, float) and math.isnan(value):
            self.wrong(path, "expected a number, found nan")
        if is_object(value):
            return self._object(annotation, value, path)
        if isinstance(value, dict):
            named = cast("dict[str, object]", value)
            return {key: self._value(annotation, item, path) for key, item in named.items()}
        return value

    def _object(self, annotation: object, value: Json, path: str) -> object:
        """A serialised object as the field wants it."""
        name = value["class_name"]
        if name == "function":
            return value.get("config")
        if name in ARRAYS:
            return config_of(value).get("value", value.get("items"))
        if Chosen in get_args(annotation):
            return self._function(value, path)
        for family in families(annotation):
            if find(family, name) is not None:
                return self.member(family, value, path)
        inner = "model inside a layer; put its layers there one by one"
        self.wrong(path, f"unsupported {inner if is_model(value) else f'object {name!r}'}")
        return None

    def _function(self, value: Json, path: str) -> object:
        """A layer where a function stands: `Dense(activation=LeakyReLU(0.1))`."""
        name = str(value["class_name"])
        function = FUNCTIONS.get(name)
        layer = None if function is None else self.member(Layer, value, path)
        if function is None:
            hint = nearest(name, FUNCTIONS)
            self.wrong(path, f"the layer {name!r} as an activation is not supported;{hint}")
        if function is None or layer is None:
            return None
        if isinstance(layer, Activation):
            return layer.activation
        values = {key: getattr(layer, key) for key in activations.keywords(function)}
        if isinstance(values.get("axis"), tuple) and len(values["axis"]) == 1:
            values["axis"] = values["axis"][0]
        return {function: values}

    def _check_dtype(self, kind: type[Member], value: object, path: str) -> None:
        name = config_of(value).get("name") if is_object(value) else value
        own: tuple[object, ...] = (FLOAT,)
        if issubclass(kind, Layer):
            own = (FLOAT, kind.keras_dtype)
        elif issubclass(kind, Metric):
            own = kind.keras_dtypes
        if name in MIXED:
            self.mixed.setdefault(path, str(name))
        elif name is not None and name not in own:
            self.wrong(path, f"dtype {name!r} is not supported; only {FLOAT} is")


def unwrapped(value: object) -> object:
    """A function by its name; what is around a function as if it were that function's class."""
    if not is_object(value):
        return value
    if value["class_name"] == "function":
        return value.get("config")
    if value["class_name"] not in AROUND:
        return value
    config = dict(config_of(value))
    function = unwrapped(config.pop("fn", None))
    return {**value, "class_name": str(function), "config": config}


def is_object(value: object) -> TypeGuard[Json]:
    """Whether a JSON value is a serialised object."""
    return isinstance(value, Mapping) and "class_name" in value


def is_model(config: object) -> bool:
    """Whether a layer's configuration is a model's."""
    return (
        is_object(config) and config["class_name"] in ("Sequential", "Functional", "Model")
    ) or ("input_layers" in config_of(config))


def config_of(value: object) -> Json:
    """The settings of a serialised object; none when it is a mere name."""
    config = value.get("config") if is_object(value) else None
    return cast("Json", config) if isinstance(config, Mapping) else {}


def keras_class(kind: type[Member]) -> str:
    """The name of the Keras class that a kind stands for."""
    return kind.type_name() if issubclass(kind, Layer) else kind.__name__


def find(family: type[M], name: str) -> type[M] | None:
    """The kind that Keras calls `name`: a class, or a short name such as `mse`."""
    name = RENAMED.get((family.family_name, name), name)
    kinds = [kind for kind in family.kinds().values() if not issubclass(kind, Operation)]
    by_class = next((kind for kind in kinds if keras_class(kind) == name), None)
    known = cast("dict[str, type[M]]", family.members)
    return by_class or known.get(name) or known.get(snake_case(name))


def families(annotation: object) -> Iterator[type[Member]]:
    """The families whose members a field may hold, from its type."""
    if isinstance(annotation, type) and issubclass(annotation, Member):
        yield next(base for base in annotation.__mro__ if base.__dict__.get("family_name"))
    for part in get_args(annotation):
        yield from families(part)
