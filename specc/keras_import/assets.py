"""Vocabularies that `adapt()` found: a `.keras` archive keeps them beside the configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from specc.family import snake_case
from specc.keras_import.nodes import layer_name
from specc.keras_import.objects import Objects, config_of
from specc.keras_import.operations import is_operation
from specc.keras_import.source import Json, members

FILE = "vocabulary.txt"
LOOKUPS = {"IntegerLookup": int, "StringLookup": str, "TextVectorization": str}


def adapted(objects: Objects, body: Json, path: Path) -> Json:
    """A model's configuration with the vocabularies of its archive in it.

    Source: keras/src/layers/preprocessing/index_lookup.py, save_assets and load_assets;
    keras/src/saving/saving_lib.py, _save_container_state (3.15.1).
    """
    found = members(path, FILE)
    return _filled(objects, body, found, "assets") if found else body


def _filled(objects: Objects, model: Json, found: Mapping[str, bytes], folder: str) -> Json:
    config = config_of(model)
    if not isinstance(config.get("layers"), list):
        return model
    seen: Counter[str] = Counter()
    layers: list[Json] = []
    for layer in cast("list[Json]", config["layers"]):
        if is_operation(layer):
            layers.append(layer)
            continue
        stem = snake_case(str(layer["class_name"]))
        own = f"{folder}/layers/{stem}" + (f"_{seen[stem]}" if seen[stem] else "")
        seen[stem] += 1
        content = found.get(f"{own}/{FILE}")
        if content is not None and layer["class_name"] in LOOKUPS:
            layers.append(_with_vocabulary(objects, layer, content))
        else:
            layers.append(_filled(objects, layer, found, own))
    return {**model, "config": {**config, "layers": layers}}


def _with_vocabulary(objects: Objects, layer: Json, content: bytes) -> Json:
    """A lookup with the lines of its file."""
    config: dict[str, Any] = dict(config_of(layer))
    if config.get("vocabulary") is not None:
        return layer
    if config.get("output_mode") == "tf_idf":
        objects.wrong(
            layer_name(layer),
            "the weights that adapt() found for tf_idf stand among those of the model, where they"
            " are not read; make the layer with vocabulary and idf_weights",
        )
        return layer
    lines = content.decode("utf-8", "replace").splitlines()
    while lines and not lines[-1]:
        lines.pop()
    kind = LOOKUPS[str(layer["class_name"])]
    try:
        config["vocabulary"] = list(map(kind, lines))
    except ValueError as error:
        objects.wrong(layer_name(layer), f"{FILE}: {error}")
    return {**layer, "config": config}
