"""Peers and the environments they run in, built with uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

SPECC = "specc"
# Tested together. torch comes from wherever uv is told to look; builds for CUDA run on the CPU too.
ENVIRONMENTS = {
    "keras": ("keras==3.15.1", "tensorflow-cpu==2.21.0"),
    "torch": ("torch==2.13.0", "keras==3.15.1", "onnx", "onnxscript", "onnxruntime==1.32.0"),
    "jax": ("jax==0.10.2", "keras==3.15.1"),
    # Its Python package imports torch, and PyTorch exports the graph that it differentiates.
    "ort-training": (
        "onnxruntime-training-cpu==1.19.2",
        "onnx==1.16.2",
        "numpy<2",
        "torch==2.13.0",
    ),
    "sklearn": ("scikit-learn==1.9.1",),
}
# What a user of the framework installs: whose size counts.
ROOTS = {
    "keras": ("keras", "tensorflow-cpu"),
    "keras-torch": ("keras", "torch"),
    "torch": ("torch",),
    "jax": ("jax",),
    "ort-training": ("onnxruntime-training-cpu", "torch"),
    "sklearn": ("scikit-learn",),
    SPECC: ("specc", "onnxruntime"),
}


@dataclass(frozen=True, slots=True)
class PeerKind:
    """A program that trains or predicts.

    Attributes:
        environment: a key of `ENVIRONMENTS`, or `specc` for the Python that runs the benchmark.
        script: in `benchmarks/peers`.
    """

    environment: str
    script: str
    settings: dict[str, str] = field(default_factory=dict)


def keras(environment: str, backend: str, **settings: str) -> PeerKind:
    return PeerKind(environment, "keras_fit.py", {"KERAS_BACKEND": backend, **settings})


PEERS = {
    "keras-tensorflow": keras("keras", "tensorflow", BENCH_JIT="no"),
    "keras-tensorflow-xla": keras("keras", "tensorflow", BENCH_JIT="yes"),
    "keras-tensorflow-many": keras("keras", "tensorflow", BENCH_JIT="no", BENCH_LOOP="many"),
    "keras-tensorflow-fit": keras("keras", "tensorflow", BENCH_JIT="no", BENCH_LOOP="fit"),
    "keras-jax": keras("jax", "jax"),
    "keras-torch": keras("torch", "torch"),
    "torch": PeerKind("torch", "torch_loop.py", {"BENCH_FORM": "eager"}),
    "torch-channels-last": PeerKind("torch", "torch_loop.py", {"BENCH_FORM": "channels_last"}),
    "torch-compile": PeerKind("torch", "torch_loop.py", {"BENCH_FORM": "compile"}),
    "torch-max-autotune": PeerKind("torch", "torch_loop.py", {"BENCH_FORM": "max_autotune"}),
    "torch-export-onnxruntime": PeerKind("torch", "onnx_export.py", {"BENCH_EXPORTER": "dynamo"}),
    "torch-script-export-onnxruntime": PeerKind(
        "torch", "onnx_export.py", {"BENCH_EXPORTER": "script"}
    ),
    "keras-export-onnxruntime": PeerKind("torch", "keras_export.py", {"KERAS_BACKEND": "torch"}),
    "jax": PeerKind("jax", "jax_loop.py"),
    "onnxruntime-training": PeerKind("ort-training", "ort_training.py"),
    "scikit-learn": PeerKind("sklearn", "sklearn_mlp.py"),
    "specc-portable": PeerKind(SPECC, "specc_onnx.py", {"BENCH_TARGET": "portable"}),
    "specc": PeerKind(SPECC, "specc_onnx.py", {"BENCH_TARGET": "cpu"}),
    "specc-internal": PeerKind(
        SPECC, "specc_onnx.py", {"BENCH_TARGET": "cpu", "BENCH_INTERNAL": "yes"}
    ),
    "specc-model-onnx": PeerKind(SPECC, "specc_onnx.py", {"BENCH_LOOP": "served"}),
    "specc-fit": PeerKind(SPECC, "specc_onnx.py", {"BENCH_TARGET": "cpu", "BENCH_LOOP": "fit"}),
}


def python_of(environment: str, folder: Path) -> str:
    """The Python of an environment below `folder`, which is made when it is not there."""
    if environment == SPECC:
        return sys.executable
    home = folder / environment
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python = python.absolute()
    if not python.exists():
        uv = shutil.which("uv")
        if uv is None:
            raise SystemExit("the peers' environments are built with uv, which is not on the PATH")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([uv, "venv", "--python", version, str(home)], check=True)
        command = [uv, "pip", "install", "--python", str(python), *ENVIRONMENTS[environment]]
        # Elsewhere, for this project's constraints are not the peers'.
        if subprocess.run(command, check=False, cwd=tempfile.gettempdir()).returncode:
            shutil.rmtree(home)
            raise SystemExit(f"uv could not install {' '.join(ENVIRONMENTS[environment])}")
    return str(python)
