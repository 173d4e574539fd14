"""`specc export`: specs and runs written for Keras."""

import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file

from specc.keras_files import keras_weights
from tests.app.console import invoke

pytest.importorskip("h5py")


def test_export_of_a_spec(tiny):
    result = invoke("export", "keras", "tiny.yaml", "-o", "m.keras")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "wrote m.keras\n")
    with zipfile.ZipFile("m.keras") as archive:
        names = set(archive.namelist())
    assert names == {"metadata.json", "config.json", "model.weights.h5"}
    assert invoke("import", "m.keras", "-o", "m.yaml", "--weights", "w.safetensors").exit_code == 0
    given = ("tiny.yaml", "-o", "n.keras", "--weights", "w.safetensors")
    assert invoke("export", "keras", *given).exit_code == 0
    assert (tiny / "m.keras").read_bytes() == (tiny / "n.keras").read_bytes()


def test_export_of_a_run(trained, tmp_path):
    path = tmp_path / "m.keras"
    assert invoke("export", "keras", trained / "run", "-o", path).exit_code == 0
    state = load_file(sorted((trained / "run" / "checkpoints").glob("step-*"))[-1])
    found = keras_weights(path)
    assert set(found) <= set(state)
    for name, array in found.items():
        np.testing.assert_array_equal(array, state[name])
    result = invoke("export", "keras", trained / "run", "-o", path, "--weights", "w")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--weights and --set go with a spec" in result.stderr


def test_export_wants_a_name_that_keras_reads(tiny):
    result = invoke("export", "keras", "tiny.yaml", "-o", "m.h5")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "m.h5: expected a name that ends in .keras" in result.stderr
    assert not (tiny / "m.h5").exists()
