"""Functional configurations: layers in any order, calls that refer to each other by number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, cast

from specc.keras_import.binding import Unbound, bind
from specc.keras_import.nodes import (
    History,
    KerasCall,
    call_of,
    layer_name,
    outputs_of,
)
from specc.keras_import.objects import Objects, config_of, is_model
from specc.keras_import.operations import is_operation, operation
from specc.keras_import.source import Json
from specc.spec.model import Entry, InputSpec, ModelSpec, Reference


class Reader(Protocol):
    """What reads the layers of a graph."""

    objects: Objects

    def input(self, config: Json, name: str) -> InputSpec:
        """An `InputLayer`."""
        ...

    def first_call(self, config: Json, name: str) -> Entry | None:
        """The entry of a layer or nested model, its inputs left open; None when it is broken."""
        ...

    def input_names(self, entry: Entry) -> tuple[str, ...]:
        """The inputs of a nested model that an entry calls; none for a layer."""
        ...


def functional(reader: Reader, body: Json) -> ModelSpec:
    """A graph of calls, in an order in which each uses only what stands above it."""
    graph = _Graph(reader, body)
    return ModelSpec(
        str(body.get("name", "functional")),
        graph.inputs(),
        graph.entries(),
        graph.outputs(),
        kind="functional",
        trainable=body.get("trainable") is not False,
    )


class _Graph:
    """One functional model while it is read."""

    def __init__(self, reader: Reader, body: Json) -> None:
        self.reader = reader
        self.body = body
        self.layers = {layer_name(item): item for item in cast("list[Json]", body["layers"])}
        self.calls = {
            name: [call_of(data) for data in layer.get("inbound_nodes", [])]
            for name, layer in self.layers.items()
        }
        # What references to the outputs of a call say, by (layer, call).
        self.names: dict[tuple[str, int], str] = {}

    def inputs(self) -> tuple[InputSpec, ...]:
        """The inputs, in the model's order."""
        found: list[InputSpec] = []
        for name, _, _ in outputs_of(self.body["input_layers"]):
            self.names[name, 0] = name
            found.append(self.reader.input(config_of(self.layers[name]), name))
        return tuple(found)

    def entries(self) -> tuple[Entry, ...]:
        """The calls, sorted: a layer's calls keep their order, layers that of the configuration."""
        found: list[Entry] = []
        first = {
            name: None if is_operation(layer) else self.reader.first_call(layer, name)
            for name, layer in self.layers.items()
            if (name, 0) not in self.names
        }
        waiting = {name: list(self.calls[name]) for name in first}
        while waiting:
            before = len(self.names)
            for name in list(waiting):
                while waiting[name] and self._ready(waiting[name][0]):
                    call = waiting[name].pop(0)
                    entry = self._entry(name, call, first[name])
                    found += [] if entry is None else [entry]
                if not waiting[name]:
                    del waiting[name]
            if len(self.names) == before and waiting:
                self.reader.objects.wrong(
                    next(iter(waiting)), "refers to a call that the configuration does not hold"
                )
                break
        return tuple(found)

    def _ready(self, call: KerasCall) -> bool:
        return all(self._key(history) in self.names for history in call.histories)

    def _key(self, history: History, *, is_output: bool = False) -> tuple[str, int]:
        """(layer, call) with calls counted from 0.

        Nested models have a call of their own from when they were made. Keras 2 counts it always
        (and its sequential models are functional); Keras 3 only in `input_layers` and
        `output_layers`, for functional ones.
        Source: keras/src/models/functional.py, functional_from_config and serialize_node (3.15.1).
        """
        name, call, _ = history
        layer = self.layers.get(name)
        if layer is None or not is_model(layer):
            return name, call
        extra = layer["class_name"] != "Sequential" and is_output if "module" in layer else True
        return name, call - extra

    def _entry(self, name: str, call: KerasCall, first: Entry | None) -> Entry | None:
        """The entry of one call; None when its layer is broken."""
        index = sum(known == name for known, _ in self.names)
        own = name if index == 0 else self._free(f"{name}_{index}")
        self.names[name, index] = own
        if is_operation(self.layers[name]):
            made = operation(self.reader.objects, self.layers[name], call, name)
            references = () if made is None else tuple(map(self._reference, made[1]))
            return None if made is None else Entry(own, made[0], inputs=references)
        if first is None:
            return None
        entry = first if index == 0 else Entry(own, call=first.call or name)
        try:
            bound = bind(call, first.layer, self.reader.input_names(first))
        except Unbound as error:
            self.reader.objects.wrong(name, str(error))
            return None
        if bound.named is not None:
            given = {key: self._reference(history) for key, history in bound.named.items()}
            return replace(entry, arguments=given, flags=bound.flags)
        references = tuple(map(self._reference, bound.tensors))
        return replace(entry, inputs=references, flags=bound.flags)

    def _free(self, wanted: str) -> str:
        """A name that no layer and no other call has."""
        name, n = wanted, 0
        while name in self.layers or name in self.names.values():
            n += 1
            name = f"{wanted}_{n}"
        return name

    def _reference(self, history: History, *, is_output: bool = False) -> Reference:
        return Reference(self.names[self._key(history, is_output=is_output)], history[2])

    def outputs(self) -> tuple[Reference, ...]:
        """The outputs, in the model's order."""
        histories = outputs_of(self.body["output_layers"])
        known: Mapping[tuple[str, int], str] = self.names
        return tuple(
            self._reference(history, is_output=True)
            for history in histories
            if self._key(history, is_output=True) in known
        )
