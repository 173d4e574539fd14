"""What a spec says, after reading: plain frozen data, every name still a name.

The reader (`specc/spec/`) makes it from YAML, the importer from a Keras configuration; the
network (`specc/network.py`) resolves names to layers and infers shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from specc.errors import Place, SpecError, cut
from specc.layer import InputLayer, Layer
from specc.spec.data import DataSpec
from specc.spec.train import TrainSpec

# The version of the language that this package reads and writes; older ones are migrated.
LANGUAGE = 1


@dataclass(frozen=True, slots=True)
class Reference:
    """The output of an entry or input called `name`: `a` is its first, `a[1]` its second."""

    name: str
    output: int = 0


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One entry of `inputs:`."""

    name: str
    layer: InputLayer
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `layers:`: a layer with its first call, or a further call of an earlier layer.

    Attributes:
        name: what references to this call's outputs say. Unique in its model. For a layer's first
            call it is also the layer's name.
        layer: the layer, or None when `call` names one.
        call: an earlier entry whose layer is called again, or a key of `Spec.models`.
        inputs: references in call order; None means the previous entry (or the only input).
        arguments: references by call argument, when `inputs:` was a mapping.
        flags: other call arguments, from `call:` beside `inputs:` (`use_causal_mask: true`).
        named: whether the name was written, or stands in a block; others are automatic.
        path: where the entry stands, `layers[2]` or `layers[1].residual[0]`, for messages.
    """

    name: str
    layer: Layer | None = None
    call: str | None = None
    inputs: tuple[Reference, ...] | None = None
    arguments: Mapping[str, Reference] = field(default_factory=dict[str, Reference])
    flags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    named: bool = field(default=True, compare=False)
    place: Place = field(default_factory=Place, compare=False)
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Inputs, entries and outputs: the whole model, or one of `models:`.

    Attributes:
        kind: Keras' bookkeeping; None lets the graph decide (a chain is sequential).
        outputs: references; empty means the last entry.
    """

    name: str
    inputs: tuple[InputSpec, ...]
    entries: tuple[Entry, ...]
    outputs: tuple[Reference, ...] = ()
    kind: Literal["sequential", "functional"] | None = None
    trainable: bool = True
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole spec. `train` and `data` may be absent: a model can be summarised and run without.

    Attributes:
        places: where the fields of sections stand, by path (`train.loss`).
    """

    model: ModelSpec
    models: Mapping[str, ModelSpec] = field(default_factory=dict[str, ModelSpec])
    train: TrainSpec | None = None
    data: DataSpec | None = None
    version: int = LANGUAGE
    file: str = field(default="", compare=False)
    places: Mapping[str, Place] = field(default_factory=dict[str, Place], compare=False)

    def place(self, path: str) -> Place:
        """Where `train.loss` or another field of a section stands; its section when left out."""
        while path not in self.places and "." in path:
            path = path.rpartition(".")[0]
        return self.places.get(path, Place(self.file))

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name


def check_spec(given: object) -> None:
    """Refuse what callers without types may give for a spec, most often its file.

    Raises:
        SpecError: it is none.
    """
    if not isinstance(given, Spec):
        shown = f"{type(given).__name__} {cut(repr(given))}"
        raise SpecError(
            f"expected what specc.load or specc.from_keras returns, received {shown}; for a file"
            " say specc.load(file)"
        )
