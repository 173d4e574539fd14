"""Peers and the environments they run in, built with uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

SPECC = "specc"
# Tested together. torch comes from wherever uv is told to look; builds for CUDA run on the CPU too.
ENVIRONMENTS = {
    "keras": ("keras==3.15.1", "tensorflow-cpu==2.21.0"),
    "torch": ("torch==2.13.0", "keras==3.15.1", "onnx", "onnxscript", "onnxruntime==1.32.0"),
    "jax": ("jax==0.10.2", "keras==3.15.1"),
    "ort-training": ("onnxruntime-training==1.19.2", "onnx==1.16.2", "numpy<2"),
    "sklearn": ("scikit-learn==1.9.1",),
}
# What a user of the framework installs: whose size counts.
ROOTS = {
    "keras": ("keras", "tensorflow-cpu"),
    "keras-torch": ("keras", "torch"),
    "torch": ("torch",),
    "jax": ("jax",),
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
    "keras-jax": keras("jax", "jax"),
    "keras-torch": keras("torch", "torch"),
    "torch": PeerKind("torch", "torch_loop.py", {"BENCH_FORM": "eager"}),
    "torch-channels-last": PeerKind("torch", "torch_loop.py", {"BENCH_FORM": "channels_last"}),
    "torch-compile": PeerKind("torch", "torch_loop.py", {"BENCH_FORM": "compile"}),
    "torch-export-onnxruntime": PeerKind("torch", "onnx_export.py"),
    "jax": PeerKind("jax", "jax_loop.py"),
    "scikit-learn": PeerKind("sklearn", "sklearn_mlp.py"),
    "specc-portable": PeerKind(SPECC, "specc_onnx.py", {"BENCH_TARGET": "portable"}),
    "specc": PeerKind(SPECC, "specc_onnx.py", {"BENCH_TARGET": "cpu"}),
}


def python_of(environment: str, folder: Path) -> str:
    """The Python of an environment below `folder`, which is made when it is not there."""
    if environment == SPECC:
        return sys.executable
    home = folder / environment
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        uv = shutil.which("uv")
        if uv is None:
            raise SystemExit("the peers' environments are built with uv, which is not on the PATH")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([uv, "venv", "--python", version, str(home)], check=True)
        command = [uv, "pip", "install", "--python", str(python), *ENVIRONMENTS[environment]]
        if subprocess.run(command, check=False).returncode:
            shutil.rmtree(home)
            raise SystemExit(f"uv could not install {' '.join(ENVIRONMENTS[environment])}")
    return str(python)
