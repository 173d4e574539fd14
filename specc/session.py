"""The one place that runs graphs: onnxruntime sessions, devices, and state kept on the device."""

# onnxruntime has no types: what comes from it is unknown here, and typed where it leaves.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc.compiler.program import Program
from specc.compiler.state import NEXT, STATES
from specc.denormals import flushing
from specc.errors import InternalError, RunError, RuntimeSetupError

try:
    import onnxruntime as ort
except ImportError as error:
    raise RuntimeSetupError(
        "onnxruntime is not installed: install specc[cpu], or specc[gpu] for CUDA"
    ) from error

# Two wheels share the import folder: removing one leaves a package without its parts.
if not hasattr(ort, "InferenceSession"):
    raise RuntimeSetupError(
        "onnxruntime is damaged: uninstall onnxruntime and onnxruntime-gpu, then install one again"
    )

Array: TypeAlias = npt.NDArray[Any]
Device: TypeAlias = Literal["cpu", "cuda"]
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def available_providers() -> list[str]:
    """Execution providers that this onnxruntime was built with; they may still not load."""
    return [str(name) for name in ort.get_available_providers()]


def runtime_version() -> str:
    """The version of onnxruntime."""
    return str(ort.__version__)


def default_threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _options(threads: int | None, *, flush: bool = False) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = default_threads() if threads is None else threads
    options.log_severity_level = 3
    if flush and flushing.able:  # else the calling thread would compute otherwise than the pool's
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return options


def _cuda_library() -> str:
    """Why the CUDA provider cannot be loaded, with the library's name where the linker gives it."""
    found = importlib.util.find_spec("onnxruntime")
    folder = Path(str(found.origin)).parent / "capi" if found else Path()
    library = folder / "libonnxruntime_providers_cuda.so"
    if not library.exists():
        return (
            "this onnxruntime has no CUDA provider; uninstall onnxruntime and install specc[gpu]"
            " (the two share one folder and cannot coexist)"
        )
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return f"{error}; install the CUDA and cuDNN libraries, for example with specc[gpu]"
    return "the provider loads, but finds no usable device; see `nvidia-smi`"


def check_device(device: str, threads: int | None = None) -> list[str]:
    """The provider list for a device.

    Raises:
        RuntimeSetupError: another device, fewer threads than one, or CUDA was asked for and its
            provider is not there. There is no fall-back.
    """
    if threads is not None and threads < 1:
        raise RuntimeSetupError(f"threads: expected at least 1, received {threads}")
    if device not in _PROVIDERS:
        raise RuntimeSetupError(f"device {device!r}: expected {' or '.join(_PROVIDERS)}")
    provider = _PROVIDERS[device]
    if device == "cuda":
        preload = getattr(ort, "preload_dlls", None)
        if preload is not None and provider in ort.get_available_providers():
            preload()
        if provider not in ort.get_available_providers():
            raise RuntimeSetupError(f"device cuda: {_cuda_library()}")
        return [provider, "CPUExecutionProvider"]
    return [provider]


def _provider_options(device: str) -> list[dict[str, str]]:
    # EXHAUSTIVE searches take up to a second for each new shape; TF32 would lose 13 bits.
    cuda = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    return [cuda, {}] if device == "cuda" else [{}]


def open_session(
    model: bytes, device: Device = "cpu", threads: int | None = None, *, flush: bool = False
) -> Any:
    """An onnxruntime session on exactly the device asked for.

    With `flush` the threads of its pool take denormal numbers as zero (`specc.denormals`).

    Raises:
        RuntimeSetupError: onnxruntime fell back to another provider.
    """
    providers = check_device(device, threads)
    options, kind = _options(threads, flush=flush), _provider_options(device)
    # The process's first session changes the calling thread; leaving changes it back. Sessions that
    # do not flush fold their constants as the caller computes.
    with flushing if flush else nullcontext():
        session = ort.InferenceSession(model, options, providers=providers, provider_options=kind)
    if session.get_providers()[0] != providers[0]:
        raise RuntimeSetupError(f"device {device}: {_cuda_library()}")
    return session


def loading_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model that it cannot read, or has no operators for."""
    raised = cast("Any", ort).capi.onnxruntime_pybind11_state
    return (
        raised.Fail, raised.InvalidArgument, raised.InvalidGraph, raised.InvalidProtobuf,
        raised.NotImplemented,
    )  # fmt: skip


def open_file(path: Path, device: Device = "cpu", threads: int | None = None) -> Any:
    """A session of a model in a file, which may have been damaged since it was written.

    Raises:
        RunError: onnxruntime cannot read it.
    """
    try:
        return open_session(path.read_bytes(), device, threads)
    except loading_errors() as error:
        raise RunError(f"{path}: onnxruntime cannot read this model ({error})") from error


@dataclass(slots=True)
class Served:
    """A session whose results are read at once: inference, evaluation of gradients.

    Attributes:
        states: what stateful layers carry from run to run where the caller does not feed it: zeros
            at first, then as the last run left it.
    """

    session: Any
    states: dict[str, Array] = field(default_factory=dict[str, Array])

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin with zeros again."""
        ports = {port.name: port.shape for port in self.session.get_inputs()}
        self.states = {STATES: np.zeros(ports[STATES], np.float32)} if STATES in ports else {}

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Named outputs for named inputs (arrays of exactly the declared element types)."""
        ready = {k: np.ascontiguousarray(v) if np.ndim(v) else np.asarray(v)
                 for k, v in feeds.items()}  # fmt: skip
        if not self.states:
            values = cast("list[Array]", self.session.run(list(outputs), ready))
            return dict(zip(outputs, values, strict=True))
        own = {name: array for name, array in self.states.items() if name not in feeds}
        names = [*outputs, *(NEXT + name for name in own)]
        values = cast("list[Array]", self.session.run(names, ready | own))
        self.states |= dict(zip(own, values[len(outputs) :], strict=True))
        return dict(zip(outputs, values, strict=False))


@dataclass(slots=True)
class Runner:
    """Runs a program as `Served` does."""

    program: Program
    device: Device = "cpu"
    threads: int | None = None
    served: Served = field(init=False, repr=False)
    _outputs: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.served = Served(open_session(self.program.model, self.device, self.threads))
        self._outputs = tuple(p.name for p in self.program.outputs if p.feeds != STATES)

    def run(
        self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """Named outputs for named inputs; by default all but the states that nobody fed."""
        if outputs is None:
            outputs = self._outputs
            if STATES in feeds:
                outputs = [p.name for p in self.program.outputs]
        return self.served.run(feeds, outputs)


def node_seconds(
    program: Program, feeds: Mapping[str, Array], runs: int = 5, threads: int | None = None
) -> dict[str, float]:
    """Mean seconds that each node takes on the CPU, by name.

    Only optimizations that keep nodes apart are on, so that layers can be told from each other.
    """
    options = _options(threads)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = ort.InferenceSession(
            program.model, options, providers=check_device("cpu", threads)
        )
        served, outputs = Served(session), [port.name for port in program.ports("output")]
        for _ in range(runs + 1):
            served.run(feeds, outputs)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    found: dict[str, list[float]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            name = event["name"].removesuffix("_kernel_time")
            found.setdefault(name, []).append(event["dur"] / 1e6)
    # The first run is slower: memory is new.
    return {name: sum(times[1:]) / max(1, len(times) - 1) for name, times in found.items()}


@dataclass(slots=True)
class Stepper:
    """Runs a program whose state outputs feed its state inputs, without copying state.

    Two sets of state buffers take turns as input and output; each set has its binding, in which
    only the batch changes from step to step. Results are read only when asked for. Only batches of
    texts are run with copies.

    Attributes:
        full: the same program for batches of one size, which takes these over.
    """

    program: Program
    device: Device = "cpu"
    threads: int | None = None
    full: Program | None = None
    # By whether it is the one for full batches: a session, and its binding for each set of buffers.
    _sessions: dict[bool, Any] = field(init=False, repr=False)
    _bindings: dict[bool, list[Any]] = field(init=False, repr=False)
    _sets: list[dict[str, Any]] = field(init=False, repr=False)
    _results: dict[str, Any] = field(init=False, repr=False)
    _now: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._sessions = {}
        self._bindings = {}
        self._sets = [{}, {}]
        self._results = {}
        self._opened(self.full is not None)

    def load(self, state: Mapping[str, Array], shared: Mapping[str, Any] | None = None) -> None:
        """Put the state on the device.

        `shared` are buffers of another stepper that this program reads and never changes: the
        weights, when metrics are evaluated while training goes on.
        """
        changing = {p.feeds for p in self.program.outputs if p.role == "state"}
        for port in self.program.inputs:
            if port.role != "state":
                continue
            if shared is not None and port.name in shared:
                values = [shared[port.name]] * 2
            elif port.name in changing:
                values = [self._value(state[port.name]), self._value(state[port.name])]
            else:
                values = [self._value(state[port.name])] * 2
            for buffers, value in zip(self._sets, values, strict=True):
                buffers[port.name] = value
        self._now = 0
        self._bindings = {}
        for port in self.program.outputs:
            if port.role != "state":
                zeros = np.zeros([d for d in port.shape if isinstance(d, int)], port.dtype)
                self._results[port.name] = ort.OrtValue.ortvalue_from_numpy(zeros, "cpu", 0)

    def _value(self, array: Array) -> Any:
        # A copy: onnxruntime writes into these buffers, and callers keep theirs.
        contiguous = np.array(array, order="C", copy=True)
        return ort.OrtValue.ortvalue_from_numpy(contiguous, self.device, 0)

    def _opened(self, full: bool) -> Any:
        """The session for full batches, or for any; opened when it is first needed."""
        if full not in self._sessions:
            program = self.full if full and self.full is not None else self.program
            self._sessions[full] = open_session(
                program.model, self.device, self.threads, flush=True
            )
        return self._sessions[full]

    def _bound(self, full: bool) -> list[Any]:
        """A binding of a session for each set of buffers."""
        if full not in self._bindings:
            changing = {p.feeds for p in self.program.outputs if p.role == "state"}
            self._bindings[full] = []
            for turn in range(2):
                binding = self._opened(full).io_binding()
                for name, value in self._sets[turn].items():
                    binding.bind_ortvalue_input(name, value)
                    if name in changing:
                        binding.bind_ortvalue_output(NEXT + name, self._sets[1 - turn][name])
                for name, value in self._results.items():
                    binding.bind_ortvalue_output(name, value)
                self._bindings[full].append(binding)
        return self._bindings[full]

    def _is_full(self, batch: Mapping[str, Array]) -> bool:
        """Whether the program for full batches takes the batch."""
        if self.full is None:
            return False
        rows = {len(batch[p.name]) for p in self.full.ports("input") if p.shape}
        return rows == {self.full.batch}

    def step(self, batch: Mapping[str, Array]) -> None:
        """One run on a batch; the state advances. Arrays must be C-contiguous and typed right."""
        if any(array.dtype == np.object_ for array in batch.values()):
            self._step_on_texts(batch)
            return
        full = self._is_full(batch)
        binding = self._bound(full)[self._now]
        for name, array in batch.items():
            binding.bind_cpu_input(name, array)
        session = self._opened(full)
        with flushing:
            session.run_with_iobinding(binding)
        self._now = 1 - self._now

    def _step_on_texts(self, batch: Mapping[str, Array]) -> None:
        """The same by copies of the state: texts cannot be bound (onnxruntime 1.32)."""
        before, after = self._sets[self._now], self._sets[1 - self._now]
        outputs = self.program.outputs
        feeds = {name: value.numpy() for name, value in before.items()} | dict(batch)
        session = self._opened(False)
        with flushing:
            made = session.run([port.name for port in outputs], feeds)
        for port, array in zip(outputs, made, strict=True):
            buffers = self._results if port.feeds is None else after
            buffers[port.feeds or port.name].update_inplace(array)
        self._now = 1 - self._now

    def results(self) -> dict[str, Array]:
        """Everything that is no state (loss and logs), from the last step."""
        return {name: np.array(value.numpy()) for name, value in self._results.items()}

    def buffers(self) -> dict[str, Any]:
        """The state's buffers as they stand, for another program to read."""
        return dict(self._sets[self._now])

    def set(self, name: str, array: Array) -> None:
        """Overwrite one state tensor (metric sums at an epoch's start, the learning rate)."""
        buffer = self._sets[self._now].get(name)
        if buffer is None:
            raise InternalError(f"{self.program.name} has no state {name!r}")
        buffer.update_inplace(np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array))

    def get(self, name: str) -> Array:
        """One state tensor as it stands, copied."""
        return np.array(self._sets[self._now][name].numpy())

    def state(self) -> dict[str, Array]:
        """The state as it stands, copied."""
        return {name: np.array(value.numpy()) for name, value in self._sets[self._now].items()}


def read_metadata(session: Any) -> dict[str, str]:
    """The metadata of a session's model."""
    return dict(session.get_modelmeta().custom_metadata_map)
