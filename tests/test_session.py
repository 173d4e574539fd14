"""Sessions: devices, threads, and state that stays where it is.

Oracle: addresses of the buffers, and bytes of the results.
"""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

import specc
from specc.errors import InternalError
from specc.session import Runner, Stepper, available_providers, check_device, open_session
from tests.model.specs import LINE, RICH, line_data, model, rich_data

CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
NEEDS_CUDA = pytest.mark.skipif(not CUDA, reason="this onnxruntime has no CUDA provider")


def trainer(made: specc.Model) -> Stepper:
    return made._engine.trainer()


def addresses(stepper: Stepper) -> dict[str, int]:
    return {name: value.data_ptr() for name, value in stepper.buffers().items()}


def test_state_alternates_between_two_sets_of_buffers() -> None:
    """Nothing that the graph changes is allocated or copied from step to step."""
    made = model(RICH)
    x, y = rich_data()
    stepper = trainer(made)
    seen = [addresses(stepper)]
    for _ in range(6):
        made.train_on_batch(x, y)
        seen.append(addresses(stepper))
    assert seen[0] == seen[2] == seen[4] == seen[6]
    assert seen[1] == seen[3] == seen[5]
    changed = {name for name in seen[0] if seen[0][name] != seen[1][name]}
    assert changed == {p.feeds for p in stepper.program.outputs if p.role == "state"}


def test_a_fit_makes_no_more_values_than_an_epoch_of_two_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Values are made when state is loaded, never in a step."""
    made = model(RICH)
    trainer(made)
    count = 0
    real = onnxruntime.OrtValue.ortvalue_from_numpy

    def counted(*args: object) -> object:
        nonlocal count
        count += 1
        return real(*args)

    monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_numpy", counted)
    x, y = rich_data(40)
    for _ in range(20):
        made.train_on_batch(x[:5], y[:5])
    assert count == 0


def test_evaluation_reads_the_weights_where_training_holds_them() -> None:
    made = model(RICH)
    x, y = rich_data()
    made.train_on_batch(x, y)
    made.evaluate(x, y)
    evaluating = made._engine._eval
    assert evaluating is not None
    held, read = addresses(trainer(made)), addresses(evaluating)
    assert {name for name in read if read[name] == held[name]} == {"weights", "statistics"}


def test_callers_keep_their_arrays() -> None:
    made = model()
    x, y = line_data()
    given = [np.ones((3, 2), np.float32), np.zeros(2, np.float32)]
    made.set_weights(given)
    made.train_on_batch(x, y)
    made.train_on_batch(x, y)
    np.testing.assert_array_equal(given[0], np.ones((3, 2)))
    held = made.weights["out/kernel"]
    before = held.copy()
    made.train_on_batch(x, y)
    np.testing.assert_array_equal(held, before)


@pytest.mark.parametrize("target", ["cpu", "portable"])
@pytest.mark.parametrize("threads", [1, 2])
def test_results_are_the_same_bytes_for_a_number_of_threads(target: str, threads: int) -> None:
    x, y = rich_data(200)
    states = []
    for _ in range(3):
        made = model(RICH, target=target, threads=threads)
        made.fit(x, y, batch_size=64, epochs=3, verbose=0)
        states.append({k: np.asarray(v).tobytes() for k, v in made._engine.state().items()})
    assert states[0] == states[1] == states[2]


def test_results_of_a_step_are_copies() -> None:
    made = model()
    x, y = line_data()
    made.train_on_batch(x, y)
    first = trainer(made).results()
    kept = {name: value.copy() for name, value in first.items()}
    made.train_on_batch(x, y)
    assert first == kept
    assert trainer(made).results()["loss"] < first["loss"]


def test_state_is_overwritten_by_name() -> None:
    made = model()
    stepper = trainer(made)
    stepper.set("learning_rate", np.array(0.5, np.float32))
    assert stepper.state()["learning_rate"] == np.float32(0.5)
    with pytest.raises(InternalError, match=r"line_train has no state 'speed'"):
        stepper.set("speed", np.array(0.0))


def test_runner_gives_the_outputs_asked_for() -> None:
    made = model(LINE.partition("train:")[0])
    runner = Runner(made._bundle.programs["infer"])
    weights = np.concatenate([w.ravel() for w in made.weights.values()])
    x, _ = line_data()
    fed = {"x": np.asfortranarray(x), "weights": weights}
    assert list(runner.run(fed)) == ["out"]
    found = runner.run(fed, ["out"])["out"]
    np.testing.assert_allclose(found, made.predict(x), rtol=1e-5, atol=1e-6)


def test_providers() -> None:
    assert check_device("cpu") == ["CPUExecutionProvider"]
    assert "CPUExecutionProvider" in available_providers()


def test_another_device() -> None:
    with pytest.raises(specc.RuntimeSetupError, match="device 'tpu': expected cpu or cuda"):
        model(device="tpu")


@pytest.mark.parametrize("threads", [0, -2])
def test_threads_below_one(threads: int) -> None:
    with pytest.raises(specc.RuntimeSetupError, match=f"at least 1, received {threads}"):
        model(threads=threads)


@pytest.mark.skipif(CUDA, reason="this onnxruntime has the CUDA provider")
def test_cuda_without_its_provider_names_what_is_missing() -> None:
    with pytest.raises(specc.RuntimeSetupError, match=r"no CUDA provider; .* install specc\[gpu\]"):
        model(device="cuda")


def test_cuda_whose_libraries_do_not_load(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """The linker's message names the library."""
    (tmp_path / "capi").mkdir()
    library = tmp_path / "capi" / "libonnxruntime_providers_cuda.so"
    library.write_bytes(b"no library")
    found = type("Found", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(specc.RuntimeSetupError, match=r"providers_cuda\.so.*install the CUDA and"):
        check_device("cuda")
    monkeypatch.setattr("ctypes.CDLL", lambda path: None)
    with pytest.raises(specc.RuntimeSetupError, match="finds no usable device; see `nvidia-smi`"):
        check_device("cuda")


def test_cuda_that_falls_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime itself only warns and goes on with the CPU."""
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    loaded = []
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: loaded.append(True), raising=False)
    real = onnxruntime.InferenceSession

    def on_cpu(content: bytes, options: object, **_: object) -> object:
        return real(content, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", on_cpu)
    program = model()._bundle.programs["infer"]
    with pytest.raises(specc.RuntimeSetupError, match="device cuda: "):
        open_session(program.model, "cuda")
    assert loaded


@NEEDS_CUDA
def test_cuda_trains() -> None:
    made, cpu = model(RICH, target="cuda", device="cuda"), model(RICH)
    x, y = rich_data()
    for _ in range(3):
        logs, expected = made.train_on_batch(x, y), cpu.train_on_batch(x, y)
        assert logs == pytest.approx(expected, rel=1e-3)
