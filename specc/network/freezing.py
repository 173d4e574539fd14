"""`train.freeze`: layers whose names match patterns are not trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from specc.errors import Problem, SpecError, nearest
from specc.spec.model import Entry, ModelSpec, Spec


def frozen(spec: Spec) -> Spec:
    """The spec with `trainable: false` in every layer that a pattern of `train.freeze` matches.

    `conv*` matches layers of the model itself, `encoder/*` those of the sub-model `encoder`. As in
    Keras, a frozen layer acts as in inference where that makes a difference (batch normalization).

    Raises:
        SpecError: a pattern matches nothing.
    """
    patterns = () if spec.train is None else spec.train.freeze
    if not patterns:
        return spec
    names = [entry.name for entry in spec.model.entries if entry.layer is not None]
    for key, model in spec.models.items():
        names += [f"{key}/{each.name}" for each in model.entries if each.layer is not None]
    problems = [
        Problem(
            spec.place("train.freeze"),
            f"train.freeze[{i}]",
            f"expected a pattern that matches a layer, found {pattern!r};{nearest(pattern, names)}",
        )
        for i, pattern in enumerate(patterns)
        if not any(fnmatchcase(name, pattern) for name in names)
    ]
    if problems:
        raise SpecError(problems)
    models = {key: _frozen(model, patterns, f"{key}/") for key, model in spec.models.items()}
    return replace(spec, model=_frozen(spec.model, patterns, ""), models=models)


def _frozen(model: ModelSpec, patterns: Sequence[str], prefix: str) -> ModelSpec:
    def entry(each: Entry) -> Entry:
        if each.layer is None or not any(fnmatchcase(prefix + each.name, p) for p in patterns):
            return each
        return replace(each, layer=each.layer.frozen())

    return replace(model, entries=tuple(entry(each) for each in model.entries))
