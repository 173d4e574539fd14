"""Continuing a text with a model that was trained on one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from specc.artifacts import MODEL, read_bundle
from specc.compiler.program import Port
from specc.data.rows import Array
from specc.data.text import KEY, stored_text
from specc.data.tokens import Coder, coder
from specc.errors import DataError, RunError
from specc.feeding import shape_of
from specc.runs.folder import RunFolder
from specc.runs.predictions import is_scores
from specc.session import Device, Served, open_file


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a text is continued.

    Attributes:
        prompt: what it begins with.
        tokens: how many follow.
        temperature: what logits are divided by; 0 takes the likeliest token.
        among: only so many likeliest tokens are drawn from; all when None.
        seed: decides the draws: token i is a function of (seed, i) and its probabilities.
    """

    prompt: str
    tokens: int = 200
    temperature: float = 1.0
    among: int | None = None
    seed: int = 0


def generate(run: Path, sampling: Sampling, device: Device = "cpu") -> Iterator[str]:
    """What follows the prompt, piece by piece.

    The model sees as many of the last tokens as its input is long. Where fewer are there, the
    window is filled behind them: a model with a target at every place must not look ahead.

    Raises:
        RunError: no run, one without a model, or no model of a text.
        DataError: the prompt has tokens that the model does not know, or too few.
    """
    made, _ = read_bundle(run)
    path = run / MODEL
    if not path.is_file():
        raise RunError(f"{run}: there is no {MODEL} yet; let the run finish, with --resume")
    stored = RunFolder(run).learned() or {}
    outputs = made.programs["infer"].ports("output")
    if KEY not in stored or len(made.inputs) != 1 or len(outputs) != 1:
        raise RunError(
            f"{run}: expected a model trained on a `text` source, found another; pass it files"
        )
    learned = stored_text(stored)
    found = coder(learned["tokens"])
    prompt = sampling.prompt.lower() if learned["lowercase"] else sampling.prompt
    ids = [int(i) for i in found.encode(prompt)]
    each = learned["next"] == "each"
    length = shape_of(made.inputs[0].shape)[1] or 0
    if not ids or (len(ids) < length and not each):
        raise DataError(
            f"prompt: expected at least {1 if each else length} tokens, found {len(ids)}; the model"
            " needs so many to tell the next"
        )
    served = Served(open_file(path, device))
    window = _Window(served, made.inputs[0], outputs[0], length, each, made.batch or 1)
    return _pieces(window, found, ids, sampling)


@dataclass(frozen=True, slots=True)
class _Window:
    """The model over the last tokens."""

    served: Served
    port: Port
    output: Port
    length: int
    each: bool
    rows: int

    def logits(self, ids: list[int]) -> Array:
        """Of the token after `ids`, float64 (vocabulary,)."""
        seen = ids[-self.length :]
        batch = np.zeros((self.rows, self.length), self.port.dtype)
        batch[0, : len(seen)] = seen
        self.served.reset()
        rows = self.served.run({self.port.name: batch}, [self.output.name])[self.output.name]
        last = rows[:, len(seen) - 1] if self.each else rows
        if not is_scores(last):
            return np.asarray(last[0], np.float64)
        with np.errstate(divide="ignore"):
            return np.log(np.asarray(last[0], np.float64))


def _pieces(window: _Window, found: Coder, ids: list[int], sampling: Sampling) -> Iterator[str]:
    """A piece ends where a character does: a token of bytes may be a part of one."""
    begin, shown = len(ids), 0
    for step in range(sampling.tokens):
        ids.append(draw(window.logits(ids), sampling, step))
        text = found.decode(ids[begin:])
        if not text.endswith("\ufffd") or step == sampling.tokens - 1:
            yield text[shown:]
            shown = len(text)


def draw(logits: Array, sampling: Sampling, step: int) -> int:
    """A token from softmax(logits / temperature), by the inverse of its distribution function."""
    if not sampling.temperature:
        return int(logits.argmax())
    scaled = logits / sampling.temperature
    if sampling.among is not None and sampling.among < len(scaled):
        ranked = np.argsort(-scaled, kind="stable")
        scaled = scaled.copy()
        scaled[ranked[sampling.among :]] = -np.inf
    weights = np.exp(scaled - scaled.max())
    sums: Array = np.cumsum(weights)
    bits = np.random.Philox(key=np.array([sampling.seed, step], np.uint64)).random_raw(1)
    uniform = float(bits[0] >> np.uint64(11)) * 2.0**-53
    return int((sums <= uniform * float(sums[-1])).sum())
