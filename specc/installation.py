"""What is installed, what of it works, and what to type where it does not."""

from __future__ import annotations

import importlib.util
import math
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any

from specc.errors import SpeccError
from specc.version import __version__

# The wheels that this package asks for; others (directml, openvino) fill the same import folder.
RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
DEVICES = ("cpu", "cuda")
# Convolution, pooling and a dense layer: what CUDA needs cuDNN and cuBLAS for.
TRIAL = """
specc: 1
name: trial
inputs: {image: [8, 8, 1]}
layers:
  - conv2d: {filters: 4, kernel_size: 3, activation: relu}
  - max_pooling2d: 2
  - flatten
  - dense: 1
train: {loss: mse, optimizer: sgd}
"""


@dataclass(frozen=True, slots=True)
class Package:
    """One requirement: `version` is None when it is not installed; `extra` asks for it, or ""."""

    name: str
    requirement: str
    extra: str
    version: str | None


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Whether a device trains, and if not, why."""

    device: str
    works: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What `inspect_installation` found.

    Attributes:
        runtimes: installed distributions that provide onnxruntime, with their versions.
        providers: what onnxruntime says it has.
        threads: processors that this process may use.
        problems: what is wrong, each with what to type.
    """

    specc: str
    python: str
    platform: str
    packages: Sequence[Package]
    runtimes: Mapping[str, str]
    providers: Sequence[str]
    devices: Sequence[DeviceState]
    threads: int | None
    data: Mapping[str, str | None]
    problems: Sequence[str] = field(default_factory=list[str])

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def inspect_installation() -> Installation:
    """Look at packages, then try every device with a step of training."""
    packages = _packages()
    runtimes = _runtimes()
    providers, threads, why = _runtime()
    devices = [DeviceState(name, False, why) if why else _try(name) for name in DEVICES]
    return Installation(
        __version__,
        f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})",
        platform.platform(),
        packages,
        runtimes,
        providers,
        devices,
        threads,
        _data(),
        _problems(packages, runtimes, devices),
    )


def _packages() -> list[Package]:
    """What this package's metadata asks for, with what is there."""
    try:
        wanted = metadata.requires("specc") or []
    except metadata.PackageNotFoundError:  # run from a folder that was never installed
        return []
    found: list[Package] = []
    for line in wanted:
        requirement, _, marker = line.partition(";")
        extra = re.search(r"extra == ['\"]([^'\"]+)", marker)
        name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
        found.append(
            Package(name, requirement.strip(), extra[1] if extra else "", _installed(name))
        )
    return found


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _runtimes() -> dict[str, str]:
    names = {*RUNTIMES, *metadata.packages_distributions().get("onnxruntime", ())}
    versions = {name: _installed(name) for name in sorted(names)}
    return {name: version for name, version in versions.items() if version is not None}


def _runtime() -> tuple[list[str], int | None, str]:
    """(providers, threads, why there are none)."""
    try:
        from specc.session import available_providers, default_threads  # noqa: PLC0415  may fail

        return available_providers(), default_threads(), ""
    except SpeccError as error:
        why = str(error.__cause__ or error)
    except AttributeError as error:  # files that another wheel left behind
        why = f"onnxruntime is damaged: {error}"
    return [], None, why


def _try(device: str) -> DeviceState:
    """Train a step on a device."""
    import numpy as np  # noqa: PLC0415  as late as the rest

    from specc.model import Model  # noqa: PLC0415  needs onnxruntime
    from specc.spec.reader import loads  # noqa: PLC0415

    try:
        model = Model(loads(TRIAL), device="cuda" if device == "cuda" else "cpu")
        logs = model.train_on_batch(np.ones((2, 8, 8, 1), np.float32), np.ones((2, 1), np.float32))
    except Exception as error:  # noqa: BLE001 - whatever a broken runtime raises is the finding
        return DeviceState(device, False, str(error).removeprefix(f"device {device}: "))
    works = math.isfinite(logs["loss"])
    return DeviceState(device, works, "" if works else f"the loss is {logs['loss']}")


def _data() -> dict[str, str | None]:
    from specc.data.download import cache_folder  # noqa: PLC0415  as late as the rest

    return {"SPECC_DATA": os.environ.get("SPECC_DATA"), "cache": str(cache_folder("").resolve())}


def _problems(
    packages: Sequence[Package], runtimes: Mapping[str, str], devices: Sequence[DeviceState]
) -> list[str]:
    found: list[str] = []
    found += [
        f"{package.name} is missing; type: {_install(package.requirement)}"
        for package in packages
        if not package.extra and package.version is None
    ]
    wheels = {p.name: p.requirement for p in packages if p.name in RUNTIMES}
    cpu, gpu = (wheels.get(name, name) for name in RUNTIMES)
    if not runtimes:
        found.append(
            f"onnxruntime is missing; type: {_install(cpu)}"
            f" (for an NVIDIA GPU instead: {_install(gpu)})"
        )
    elif len(runtimes) > 1:
        found.append(
            f"{' and '.join(runtimes)} are both installed; they overwrite each other's files. "
            f"Type: {_pip()} uninstall {' '.join(runtimes)}, then one of: {_install(cpu)}, "
            f"{_install(gpu)}"
        )
    elif not devices[0].works:
        name = next(iter(runtimes))
        found.append(
            f"{name} does not work: {devices[0].why}; type: {_pip()} uninstall {name}, "
            f"then {_install(wheels.get(name, name))}"
        )
    return found


def _pip() -> str:
    """What installs into this environment: one made by uv has no pip."""
    return "uv pip" if importlib.util.find_spec("pip") is None else "pip"


def _install(requirement: str) -> str:
    return f"{_pip()} install '{requirement}'"
