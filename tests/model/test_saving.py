"""`save` and `Model.restore`: training goes on as if nothing had happened. Oracle: the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from specc.checkpoint import load, save
from tests.golden import cases
from tests.model.golden_cases import golden
from tests.model.specs import LINE, RICH, TOWERS, line_data, model, rich_data, towers_data


def state(made: specc.Model) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in made._engine.state().items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert sorted(one) == sorted(other)
    for name, array in one.items():
        assert array.dtype == other[name].dtype
        assert array.tobytes() == other[name].tobytes(), name


@pytest.mark.parametrize("target", ["cpu", "portable"])
def test_training_goes_on_to_the_bit(tmp_path: Path, target: str) -> None:
    """Dropout, moving statistics, slots, averages, shuffling: all where they stood."""
    made = model(RICH, target=target, seed=7)
    x, y = rich_data()
    made.fit(x, y, batch_size=5, epochs=2, verbose=0)
    made.train_on_batch(x, y)
    made.save(tmp_path / "saved")
    restored = specc.Model.restore(tmp_path / "saved")
    same(state(restored), state(made))
    again = [m.fit(x, y, batch_size=5, epochs=2, verbose=0).history for m in (made, restored)]
    assert again[0] == again[1]
    same(state(restored), state(made))
    assert restored.seed == 7
    np.testing.assert_array_equal(restored.predict(x), made.predict(x))


def test_equal_states_are_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made = model(RICH)
        made.fit(*rich_data(), verbose=0)
        made.save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["spec.yaml", "state.safetensors"]
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_saving_over_an_older_state(tmp_path: Path) -> None:
    made = model()
    made.save(tmp_path)
    made.train_on_batch(*line_data())
    made.save(tmp_path)
    same(state(specc.Model.restore(tmp_path)), state(made))


def test_several_inputs_without_train_section(tmp_path: Path) -> None:
    made = model(TOWERS.partition("train:")[0], seed=3)
    made.save(tmp_path)
    x, _ = towers_data()
    for found, before in zip(
        specc.Model.restore(tmp_path).predict(x), made.predict(x), strict=True
    ):
        np.testing.assert_array_equal(found, before)


def test_threads_are_kept(tmp_path: Path) -> None:
    model(threads=1).save(tmp_path)
    assert specc.Model.restore(tmp_path).threads == 1


@pytest.mark.parametrize("path", cases("training")[::4], ids=lambda path: path.stem)
def test_models_from_keras_come_back(tmp_path: Path, path: Path) -> None:
    case = golden(path)
    made = specc.Model(case.spec())
    made.save(tmp_path)
    same(state(specc.Model.restore(tmp_path)), state(made))


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(specc.RunError, match=r"state\.safetensors: expected a safetensors file"):
        specc.Model.restore(tmp_path)


def test_a_state_of_another_model(tmp_path: Path) -> None:
    model().save(tmp_path)
    file = tmp_path / "state.safetensors"
    tensors, meta = load(file)
    save(file, {**tensors, "out/kernel": np.ones((2, 2), np.float32)}, meta)
    with pytest.raises(specc.RunError, match=r"state 'out/kernel' is missing or of another model"):
        specc.Model.restore(tmp_path)
    del tensors["out/bias"]
    save(file, tensors, meta)
    with pytest.raises(specc.RunError, match=r"state 'out/bias' is missing or of another model"):
        specc.Model.restore(tmp_path)


def test_a_spec_that_was_changed(tmp_path: Path) -> None:
    model().save(tmp_path)
    (tmp_path / "spec.yaml").write_text(LINE.replace("dense: 2", "dense: 3"))
    with pytest.raises(specc.RunError, match="of another model"):
        specc.Model.restore(tmp_path)
