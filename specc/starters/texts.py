"""A network that continues a text, character by character."""

from __future__ import annotations

from pathlib import Path

from specc.data.source import Names
from specc.data.text import KEY, Text
from specc.data.tokens import coder
from specc.starters.frame import Starter, counted, finished, in_spec, loop, model_name, yaml

# Characters of a window, and the least text that is held back of.
LENGTH, ENOUGH = 64, 10_000
BATCH = 32


def text(path: Path, name: str) -> Starter:
    """A recurrent network that predicts each next character of a text.

    Raises:
        DataError: there is no such text, or it is too short.
    """
    held_out = {"validation_split": 0.1} if path.is_file() and path.stat().st_size > ENOUGH else {}
    fields = {"path": in_spec(path), **held_out}
    loaded = Text.model_validate({**fields, "length": LENGTH}).load(None, Names(("tokens",)))
    vocabulary = coder((loaded.learned or {})[KEY]["tokens"]).size
    samples = len(loaded.train)
    told = f"{counted(samples, 'window')} of {LENGTH} characters, {vocabulary} different ones"
    lines = f"""\
# Continues a text: `specc run RUN --prompt "..."`.
specc: 1
name: {model_name(name)}
inputs: {{tokens: {{shape: [{LENGTH}], dtype: int32}}}}    # of a window of the text
layers:
  - embedding: {{input_dim: {vocabulary}, output_dim: 32}}    # as many as there are characters
  - gru: {{units: 128, return_sequences: true}}
    repeat: 2
  - dense: {{units: {vocabulary}, activation: softmax}}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {{adam: {{learning_rate: 0.002, clipnorm: 1.0}}}}
  metrics: [accuracy]
{loop(samples, BATCH) if held_out else _plain(samples)}data:
  text: {yaml(fields)}
"""
    return finished(lines, told)


def _plain(samples: int) -> str:
    """How long, where there is nothing to validate on."""
    return "".join(loop(samples, BATCH).splitlines(keepends=True)[:2])
