"""What happens to run folders: other processes, other samples, places where nothing can lie."""

from __future__ import annotations

import numpy as np
import pytest

from specc.data.source import Samples
from specc.errors import DataError, RunError
from specc.runs.fingerprint import fingerprint
from specc.runs.locking import Lock, fcntl
from specc.runs.training import train
from tests.runs.running import Killed, Killer, result, spec, write_data


@pytest.fixture
def folder(tmp_path):
    write_data(tmp_path)
    return tmp_path


def begun(folder):
    """A run that was killed in its second epoch."""
    with pytest.raises(Killed):
        train(spec(), folder / "run", data=folder, progress=Killer(5))
    return folder / "run"


@pytest.mark.skipif(fcntl is None, reason="folders are locked on POSIX systems")
def test_one_process_at_a_time(folder):
    run = begun(folder)
    train(spec(), folder / "whole", data=folder)
    with Lock(run), pytest.raises(RunError, match=r"run: .* found another process at it; wait"):
        train(spec(), run, data=folder, resume=True)
    assert not list(run.glob(".*"))
    train(spec(), run, data=folder, resume=True)
    assert result(run) == result(folder / "whole")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda x, y: (x[:-1], y[:-1]), "found 20 samples; bring them back"),
        (lambda x, y: (x + np.float32(1e-3), y), "found as many, of other values"),
        (lambda x, y: (x, (y + 1) % 3), "found as many, of other values"),
    ],
)
def test_a_run_goes_on_with_its_own_samples(folder, change, found):
    run = begun(folder)
    data = dict(np.load(folder / "data.npz"))
    data["x_train"], data["y_train"] = change(data["x_train"], data["y_train"])
    np.savez(folder / "data.npz", **data)
    with pytest.raises(DataError, match=f"expected the 21 training samples .* {found}"):
        train(spec(), run, data=folder, resume=True)
    train(spec(), folder / "new", data=folder, start_from=run)
    write_data(folder)
    assert train(spec(), run, data=folder, resume=True).history.epoch == [0, 1, 2]


def test_a_place_where_no_folder_can_be(folder):
    (folder / "file").touch()
    with pytest.raises(RunError, match=r"file/run: expected a place .* choose another with -o"):
        train(spec(), folder / "file" / "run", data=folder)


def test_texts_are_known_by_what_they_say():
    """Not by where they lie in memory, which is another place in every process."""

    def texts(*cells):
        column = np.array([["".join(cell)] for cell in cells], object)
        return fingerprint(Samples((column,), (np.arange(len(cells)),)))["sha256"]

    assert texts("ab", "c") == texts("ab", "c")
    assert texts("ab", "c") != texts("a", "bc")
    assert texts("ab", "c") != texts("ab", "d")
