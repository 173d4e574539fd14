"""How compile time and file size grow with depth: residual blocks, one after the other."""

from __future__ import annotations

import time
from typing import Any

from specc.compiler.bundle import bundle
from specc.compiler.compiler import Compiler
from specc.spec.reader import loads

SPEC = """
specc: 1
inputs: {{image: [32, 32, 16]}}
blocks:
  residual:
    layers:
      - conv2d: {{filters: 16, kernel_size: 3, padding: same, use_bias: false}}
      - batch_normalization
      - activation: relu
      - conv2d: {{filters: 16, kernel_size: 3, padding: same, use_bias: false}}
      - batch_normalization:
        name: body
      - add:
        inputs: [body, input]
      - activation: relu
layers:
  - residual:
    repeat: {blocks}
  - global_average_pooling2d
  - dense: {{units: 10, activation: softmax}}
train: {{loss: categorical_crossentropy, optimizer: {{sgd: 0.01}}}}
"""


def growth(blocks: int, target: str) -> dict[str, Any]:
    """Seconds from text to compiled graphs, and the size of the training graph."""
    began = time.perf_counter()
    spec = loads(SPEC.format(blocks=blocks))
    read = time.perf_counter()
    programs = bundle(Compiler.of(spec, target)).programs
    done = time.perf_counter()
    return {
        "blocks": blocks,
        "target": target,
        "read_s": round(read - began, 3),
        "compile_s": round(done - read, 3),
        "train_kb": round(len(programs["train"].model) / 1000),
        "infer_kb": round(len(programs["infer"].model) / 1000),
    }
