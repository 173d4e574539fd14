"""Weights of `.keras` archives against the model that Keras saved (tests/frozen/weights.keras)."""

from __future__ import annotations

import importlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specc
from specc.errors import RuntimeSetupError, SpecError
from specc.keras_files import read_weights
from specc.keras_import import from_keras, source
from specc.network import build
from tests.golden import FROZEN

h5py = pytest.importorskip("h5py")

FILE = FROZEN / "weights.keras"
GRU = (
    "gru: expected the weight gru/gru_cell/recurrent_kernel, found nothing at"
    " layers/gru/cell/vars/1"
)
KERAS: dict[str, Any] = json.loads((FROZEN / "weights.json").read_text())


@pytest.fixture(scope="module")
def network() -> Any:
    return build(from_keras(FILE))


def packed(path: Path, change: Any) -> Path:
    """A copy of the archive whose HDF5 file `change` has altered."""
    with zipfile.ZipFile(FILE) as old, zipfile.ZipFile(path, "w") as new:
        content = io.BytesIO(old.read("model.weights.h5"))
        with h5py.File(content, "r+") as root:
            change(root)
        new.writestr("config.json", old.read("config.json"))
        new.writestr("model.weights.h5", content.getvalue())
    return path


def problems(path: Path, network: Any) -> list[str]:
    with pytest.raises(SpecError) as error:
        read_weights(path, network)
    return [str(problem) for problem in error.value.problems]


def test_every_weight_is_the_one_that_keras_saved(network: Any) -> None:
    found = read_weights(FILE, network)
    assert list(found) == [w.name for w in network.weights]
    assert list(specc.keras_weights(FILE)) == list(found)
    for (name, array), (path, shape, total) in zip(found.items(), KERAS["weights"], strict=True):
        assert list(array.shape) == shape, (name, path)
        assert np.isclose(array.sum(dtype=np.float64), total, rtol=1e-5), (name, path)


def test_the_imported_model_computes_what_keras_did(network: Any) -> None:
    model = specc.Model(from_keras(FILE), target="portable")
    model.set_weights(read_weights(FILE, network))
    given = [np.reshape(told["values"], told["shape"]) for told in KERAS["inputs"]]
    steps, image, ids = given
    found = model.predict([np.float32(steps), np.float32(image), np.int32(ids)])
    for i, (y, told) in enumerate(zip(found, KERAS["outputs"], strict=True)):
        expected = np.reshape(told["values"], told["shape"])
        scale = np.abs(expected).max()
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4 * scale, err_msg=f"output {i}")


def test_weights_that_do_not_fit_are_all_told(tmp_path: Path, network: Any) -> None:
    def change(root: Any) -> None:
        del root["layers/gru/cell/vars/1"]
        del root["layers/p_re_lu/vars/0"]
        root["layers/p_re_lu/vars/0"] = np.zeros((2, 2), np.float32)
        root["layers/layer_normalization/vars/2"] = np.zeros(4, np.float32)
        del root["layers/einsum_dense/vars/0"]
        root["layers/einsum_dense/vars/0"] = "text"

    path = packed(tmp_path / "m.keras", change)
    expected = (
        GRU,
        "p_re_lu: expected p_re_lu/alpha (6, 4), found (2, 2) at layers/p_re_lu/vars/0",
        "einsum_dense: layers/einsum_dense/vars/0 holds object, no numbers",
        "layer_normalization: expected 2 weights in layers/layer_normalization/vars, found 3",
    )
    assert sorted(problems(path, network)) == sorted(f"{path}: {text}" for text in expected)


def test_nothing_outside_of_the_archive_is_read(tmp_path: Path, network: Any) -> None:
    def change(root: Any) -> None:
        del root["layers/gru"]
        root["layers/gru"] = h5py.ExternalLink("elsewhere.h5", "/gru")
        del root["layers/p_re_lu/vars/0"]
        files = [("elsewhere.bin", 0, h5py.h5f.UNLIMITED)]
        vars_ = root["layers/p_re_lu/vars"]
        vars_.create_dataset("0", shape=(6, 4), dtype="float32", external=files)

    path = packed(tmp_path / "m.keras", change)
    assert sorted(problems(path, network)) == [
        f"{path}: gru: layers/gru/cell/vars/0 is a link to elsewhere",
        f"{path}: p_re_lu: layers/p_re_lu/vars/0 keeps its elements in another file",
    ]


def test_archives_that_hold_no_weights(
    tmp_path: Path, network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.keras"
    assert "no such file" in problems(path, network)[0]
    path.write_bytes(b"PK\x03\x04 no archive")
    assert "expected a .keras archive" in problems(path, network)[0]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    assert "no readable model.weights.h5" in problems(path, network)[0]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", "no HDF5")
    assert "no HDF5 file" in problems(path, network)[0]
    monkeypatch.setitem(source.MOST_BYTES, "model.weights.h5", 3)
    assert "unpacks to more than 3 bytes" in problems(path, network)[0]


def test_without_h5py_the_error_says_what_to_type(
    network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(RuntimeSetupError, match=r"pip install 'specc\[keras\]'"):
        read_weights(FILE, network)
