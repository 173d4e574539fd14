"""Checkpoints. Oracle: the arrays that went in; the bytes as the format's own parser reads them."""

from __future__ import annotations

import json
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from specc.checkpoint import Checkpoints, dump, latest, load, save
from specc.errors import InternalError, RunError
from specc.files import remove_leftovers, replace, temporary

META = {"epoch": 2, "step": 17, "best": {"val_loss": 0.25}, "names": ["ä", "b"]}


def state() -> dict[str, np.ndarray]:
    return {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "step": np.array(17, np.int64),
        "rng": np.array([1, 2**32 - 1], np.uint32),
        "half": np.array([0.5], np.float16),
        "flags": np.array([True, False]),
        "none": np.zeros((0, 4), np.float32),
    }


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save(path, state(), META)
    tensors, meta = load(path)
    assert meta == META
    assert list(tensors) == sorted(state())
    for name, array in state().items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        np.testing.assert_array_equal(tensors[name], array)


def test_strided_and_foreign_endian_arrays_keep_their_values(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    save(path, {"t": array.T, "every": array[:, ::2], "big": array.astype(">f4")}, {})
    tensors, _ = load(path)
    np.testing.assert_array_equal(tensors["t"], array.T)
    np.testing.assert_array_equal(tensors["every"], array[:, ::2])
    np.testing.assert_array_equal(tensors["big"], array)


def test_bytes_do_not_depend_on_order() -> None:
    backwards = dict(reversed(state().items()))
    assert dump(state(), META) == dump(backwards, dict(reversed(META.items())))


def test_the_cursor_stands_in_the_metadata_as_json() -> None:
    content = dump(state(), META)
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert json.loads(header["__metadata__"]["specc"]) == META


def test_other_element_types_are_a_bug() -> None:
    with pytest.raises(InternalError, match=r"'s' has element type"):
        dump({"s": np.array(["a"])}, {})


def broken(name: str) -> bytes:
    whole = dump(state(), META)
    other = json.dumps({"__metadata__": {"specc": "[1]"}}).encode()
    text = json.dumps({"__metadata__": {"specc": "{"}}).encode()
    return {
        "cut data": whole[:-1],
        "cut header": whole[:40],
        "empty": b"",
        "text": b"not a checkpoint at all",
        "zip": b"PK\x03\x04" + bytes(100),
        "huge header": struct.pack("<Q", 2**62) + whole[8:],
        "list": struct.pack("<Q", len(other)) + other,
        "no json": struct.pack("<Q", len(text)) + text,
    }[name]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("cut data", "whole safetensors"), ("cut header", "whole safetensors"),
        ("empty", "whole safetensors"), ("text", "whole safetensors"),
        ("zip", "whole safetensors"), ("huge header", "whole safetensors"),
        ("list", "JSON mapping"), ("no json", "expected JSON"),
    ],
)  # fmt: skip
def test_foreign_files_are_refused(tmp_path: Path, name: str, match: str) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(broken(name))
    with pytest.raises(RunError, match=f"bad.safetensors: .*{match}"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"gone\.safetensors: expected a safetensors file"):
        load(tmp_path / "gone.safetensors")


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    save(path, state(), META)
    monkeypatch.setattr("specc.checkpoint.MAX_TENSOR_BYTES", 5)
    with pytest.raises(RunError, match=r"at most 5 bytes, found 'w' of shape \(2, 3\)"):
        load(path)
    monkeypatch.setattr("specc.checkpoint.MAX_META_BYTES", 5)
    with pytest.raises(RunError, match="at most 5 bytes of metadata"):
        load(path)


def test_the_last_ones_and_the_best_are_kept(tmp_path: Path) -> None:
    store = Checkpoints(tmp_path / "checkpoints")
    assert latest(store.folder) is None
    for step in (3, 7, 20, 100):
        store.save(step, {"step": np.array(step)}, {"step": step}, best=step == 7)
    assert sorted(p.name for p in store.folder.iterdir()) == [
        "best.safetensors", "step-0000000020.safetensors", "step-0000000100.safetensors",
    ]  # fmt: skip
    last = latest(store.folder)
    assert last is not None
    assert load(last)[1] == {"step": 100}
    assert load(store.best)[1] == {"step": 7}


@pytest.mark.parametrize("keep", [1, 3])
def test_how_many_are_kept(tmp_path: Path, keep: int) -> None:
    store = Checkpoints(tmp_path, keep)
    for step in range(5):
        store.save(step, {}, {})
        store.save(step, {}, {})  # written again after a resume
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"step-{step:010d}.safetensors" for step in range(5 - keep, 5)
    ]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    replace(path, b"old")

    def chunks():
        yield b"new, but "
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace(path, chunks())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_only_leftovers_of_ended_processes_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    dead, mine = tmp_path / f".a.{child.pid}.tmp", temporary(tmp_path / "a")
    other = tmp_path / ".a.b.tmp"
    for path in (dead, mine, other):
        path.touch()
    remove_leftovers(tmp_path)
    assert not dead.exists()
    assert mine.exists()
    assert other.exists()


# Saves steps 1, 2, ... for ever and tells each number after it was saved.
TRAIN = """
import os, struct, sys
from pathlib import Path
import numpy as np
from specc.checkpoint import Checkpoints, latest, load

store = Checkpoints(Path(sys.argv[1]))
path = latest(store.folder)
step = 1 + (load(path)[1]["step"] if path else 0)
while True:
    w = np.full(20_000, step, np.float32)
    store.save(step, {"w": w}, {"step": step}, best=step % 3 == 0)
    os.write(1, struct.pack("<I", step))
    step += 1
"""


def test_a_kill_at_any_instant_leaves_the_last_whole_one(tmp_path: Path) -> None:
    stream = random.Random(4)
    folder = tmp_path / "checkpoints"
    known = 0
    for _ in range(6):
        command = [sys.executable, "-c", TRAIN, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.read(4)
            time.sleep(stream.uniform(0.0, 0.03))
            child.send_signal(signal.SIGKILL)
            told = [step for (step,) in struct.iter_unpack("<I", child.stdout.read())]
        known = max([known + 1, *told])
        path = latest(folder)
        assert path is not None
        tensors, meta = load(path)
        # The one being renamed when the kill came may be there although it was not told of.
        assert meta["step"] - known in (0, 1)
        np.testing.assert_array_equal(tensors["w"], np.float32(meta["step"]))
        known = meta["step"]
        best = folder / "best.safetensors"
        if best.exists():
            assert load(best)[1]["step"] % 3 == 0
    assert known > 6  # somewhere between kills steps were made, however slow the machine is
    Checkpoints(folder).save(10**6, {}, {})
    assert not list(folder.glob(".*.tmp"))
