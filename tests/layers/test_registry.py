"""Rules for every layer: Keras' names, fields, their order and defaults, and a text for each."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

import specc.layers
from specc import activations
from specc.docs import field_docs
from specc.family import snake_case
from specc.layers import Layer
from specc.layers.operations import Operation
from tests.layers.frozen import FROZEN

# Operations, layers that Keras keeps to its applications and those that it does not have give no
# constructor to compare with.
PRIVATE = {"LayerScale", "CustomScaleLayer", "StochasticDepth"}
BEYOND = {
    "Bias", "DepthToSpace", "InstanceNormalization", "LocalResponseNormalization",
    "LocallyConnected1D", "LocallyConnected2D", "Maxout", "PixelShuffle", "PixelUnshuffle",
    "RotaryEmbedding", "Scale", "SpaceToDepth",
}  # fmt: skip
OTHERS = {
    key: kind
    for key, kind in Layer.kinds().items()
    if issubclass(kind, Operation) or kind.__name__ in PRIVATE | BEYOND
}
KINDS = {key: kind for key, kind in Layer.kinds().items() if key not in OTHERS}
KERAS = json.loads((FROZEN / "keras_signatures.json").read_text())
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

# Parameters of Keras' constructors that are no fields: element types are the package's business,
# names stand in the entry, quantisation is not supported, arrays are no spec.
NO_FIELDS = {
    "autocast",
    "dtype",
    "gptq_unpacked_column_size",
    "name",
    "quantization_config",
    "trainable",
    "weights",
}
# Fields of every layer, wherever Keras' signature has them.
OF_ALL = set(Layer.model_fields)
RECURRENT = ["LSTM", "GRU", "SimpleRNN"]
CONVOLVED = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]
# Fields that Keras takes as undeclared keywords.
UNDECLARED = {
    "LayerNormalization": ["rms_scaling"],
    "ReversibleEmbedding": ["lora_rank", "lora_alpha"],
    **{key: ["zero_output_for_mask"] for key in RECURRENT},
    **{key: ["unroll", "zero_output_for_mask"] for key in CONVOLVED},
    **{
        key: ["data_format"]
        for key in ["AutoContrast", "RandomBrightness", "RandomContrast", "Solarization"]
    },
}
# Kinds that share the fields of a base whose siblings have another order in Keras.
OWN_ORDER = {
    *CONVOLVED,
    "Conv3DTranspose",
    "MultiHeadAttention",
    "GroupedQueryAttention",
    "ReversibleEmbedding",
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "RNN",
    "SimpleRNN",
}


def own_fields(kind: type[Layer]) -> list[str]:
    return [name for name in kind.model_fields if name not in OF_ALL]


@every_kind
def test_name_is_the_keras_class_in_snake_case(kind: type[Layer]) -> None:
    assert kind.type_name() in KERAS["layers"]
    assert kind.key == snake_case(kind.type_name())


@every_kind
def test_fields_are_keras_parameters_in_their_order(kind: type[Layer]) -> None:
    parameters = [name for name, *_ in KERAS["layers"][kind.type_name()]]
    wanted = [name for name in parameters if name not in NO_FIELDS | OF_ALL]
    wanted = [kind.renamed.get(name, name) for name in wanted]
    wanted += UNDECLARED.get(kind.type_name(), [])
    if kind.type_name() in OWN_ORDER:
        assert sorted(own_fields(kind)) == sorted(wanted)
    else:
        assert own_fields(kind) == wanted


@every_kind
def test_defaults_are_keras(kind: type[Layer]) -> None:
    for name, *default in KERAS["layers"][kind.type_name()]:
        if name in NO_FIELDS:
            continue
        field = kind.model_fields[kind.renamed.get(name, name)]
        assert field.is_required() == (not default), name
        for keras in default:
            # Keras' default read as if a spec said it: `1` of an axis, `glorot_uniform`, null.
            named = isinstance(keras, str) and keras.isidentifier()
            written = keras.lower() if named else keras
            adapter = TypeAdapter(field.rebuild_annotation())
            assert adapter.validate_python(written) == field.default, name


@every_kind
def test_a_scalar_sets_keras_first_parameter(kind: type[Layer]) -> None:
    parameters = [name for name, *_ in KERAS["layers"][kind.type_name()] if name not in NO_FIELDS]
    assert kind.first_field() == (parameters[0] if parameters else None)


@every_kind
def test_text_says_what_is_computed_and_whence(kind: type[Layer]) -> None:
    text = kind.__doc__ or ""
    assert text.splitlines()[0].endswith(".")
    assert "Source: keras/src/layers/" in text
    assert set(field_docs(kind)) == set(kind.model_fields)


@pytest.mark.parametrize("kind", OTHERS.values(), ids=OTHERS)
def test_what_keras_does_not_export_has_its_names_and_texts_too(kind: type[Layer]) -> None:
    prefix = "ops." if issubclass(kind, Operation) else ""
    assert kind.key == prefix + snake_case(kind.__name__)
    assert (kind.__doc__ or "").splitlines()[0].endswith(".")
    assert set(field_docs(kind)) == set(kind.model_fields)


@every_kind
def test_a_layer_that_needs_no_settings_is_written_as_its_name(kind: type[Layer]) -> None:
    if any(field.is_required() for field in kind.model_fields.values()):
        return
    assert kind().written() == kind.key


def test_activations_have_keras_names_parameters_and_defaults() -> None:
    keras = KERAS["activations"]
    further = {"swish", "hard_swish"}
    assert set(activations.names()) | {"threshold"} == set(keras)
    for name, parameters in keras.items():
        found = activations.keywords(name)
        assert list(found) == list(parameters)
        for parameter, default in parameters.items():
            if (name, parameter) not in (
                ("threshold", "threshold"),
                ("threshold", "default_value"),
            ):
                assert found[parameter] == default
    assert activations.canonical("swish") == "silu"
    assert activations.canonical("hard_swish") == "hard_silu"
    assert further <= set(activations.names())


def test_layers_speak_only_primitives() -> None:
    # A layer that named an ONNX op would fix the algorithm that a target is there to choose.
    forbidden = (
        "onnx",
        "onnxruntime",
        "specc.graph",
        "specc.targets",
        "specc.vjps",
        "specc.onnx_api",
    )
    modules = [
        *Path(specc.layers.__path__[0]).rglob("*.py"),
        *Path(activations.__path__[0]).glob("*.py"),
    ]
    assert len(modules) > 20
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not [name for name in names if name.startswith(forbidden)], path
