import numpy as np
import pytest

from tests.app.console import TINY, invoke


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECC_DATA", raising=False)
    return tmp_path


def write_tiny(folder):
    """tiny.yaml and its data: the class is whether the sum of four numbers is positive."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(96, 4)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(np.int64)
    (folder / "tiny.yaml").write_text(TINY)
    np.savez(folder / "data.npz", x_train=x[:64], y_train=y[:64], x_test=x[64:], y_test=y[64:])
    np.save(folder / "x.npy", x[64:])
    np.save(folder / "y.npy", y[64:])


@pytest.fixture
def tiny(workplace):
    """The current folder with tiny.yaml, data.npz, and the test split as x.npy and y.npy."""
    write_tiny(workplace)
    return workplace


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with tiny.yaml, its data, and a finished run of it in `run`. Not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    write_tiny(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = invoke("train", "tiny.yaml", "-o", "run", "--quiet")
    assert result.exit_code == 0, result.stderr
    return folder
