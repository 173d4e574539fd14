"""Real processes of `specc train` that are killed or interrupted, and resumed.

Oracle: the bytes that an uninterrupted run leaves.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from specc.checkpoint import latest, load
from tests.runs import campaign
from tests.runs.processes import ROOT, Server
from tests.runs.running import result

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")

# Dropout and batch normalization; 1437 samples, of which a tenth validates, in batches of 64.
SPEC = ROOT / "specs" / "digits_cnn.yaml"
EPOCHS, STEPS = 3, 21
TRAIN = ["train", SPEC, f"--set=train.epochs={EPOCHS}", "--set=train.validation_split=0.1"]
MNIST = Path(os.environ.get("SPECC_MNIST", ROOT.parent / "shared" / "data" / "mnist"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("kill")) as made:
        yield made


@pytest.fixture(scope="module")
def whole(server: Server) -> dict[str, bytes]:
    """What a run leaves that nothing stopped."""
    assert server.run(*TRAIN, "-o", "whole")[0] == 0
    return result(server.folder / "whole")


def test_killed_at_ten_random_moments(server: Server, whole: dict[str, bytes]) -> None:
    """Three while it starts, seven while it trains; with checkpoints in the midst of epochs."""
    stream = random.Random(20)
    total = EPOCHS * STEPS
    moments: list[int | None] = [None] * 3 + sorted(stream.sample(range(total), 7))
    killed = 0
    for number, step in enumerate(moments):
        folder = server.folder / f"killed {number}"
        running = server.start(*TRAIN, "-o", folder, seconds=0.0)
        if step is None:
            time.sleep(stream.uniform(0.0, 0.4))
        else:
            running.at_step(folder, step)
            time.sleep(stream.uniform(0.0, 0.02))
        killed += running.send(signal.SIGKILL) == -signal.SIGKILL
        status, text = server.run(*TRAIN, "-o", folder, "--resume")
        assert status == 0, text
        assert result(folder) == whole, (number, step)
    assert killed >= 3  # on a busy machine the others are faster than this test


ADAM = "{adam: {learning_rate: %s, use_ema: true, ema_momentum: 0.9, global_clipnorm: 1.0}}"
COSINE = "{cosine_decay: {initial_learning_rate: 0.003, decay_steps: 40}}"
PLATEAU = "[{reduce_lr_on_plateau: {patience: 0, min_delta: 0.5}}, {early_stopping: {patience: 1,"
PLATEAU += " min_delta: 0.3, restore_best_weights: true}}]"
WAYS = {
    "plateau": [f"--set=train.optimizer={ADAM % 0.003}", f"--set=train.callbacks={PLATEAU}"],
    "schedule": [f"--set=train.optimizer={ADAM % COSINE}"],
}


@pytest.mark.parametrize("way", WAYS)
def test_killed_with_averages_and_rates_that_change(server: Server, way: str) -> None:
    """Averages of the weights; a schedule, or a rate that callbacks lower until they stop."""
    train = [*TRAIN, *WAYS[way]]
    whole_run = server.folder / f"whole {way}"
    assert server.run(*train, "-o", whole_run)[0] == 0
    stream = random.Random(22)
    for step in stream.sample(range(2, EPOCHS * STEPS), 2):
        folder = server.folder / f"{way} {step}"
        running = server.start(*train, "-o", folder, seconds=0.0)
        running.at_step(folder, step)
        time.sleep(stream.uniform(0.0, 0.02))
        running.send(signal.SIGKILL)
        status, text = server.run(*train, "-o", folder, "--resume")
        assert status == 0, text
        assert result(folder) == result(whole_run), step


def test_a_short_campaign(server: Server) -> None:
    """Everything that has a state; by hand it runs a hundred times (`tests/runs/campaign.py`)."""
    spec = server.folder / "stateful.yaml"
    spec.write_text(campaign.SPEC)
    assert sum(campaign.campaign(server, spec, 3, seed=1).values()) == 3


def test_killed_again_and_again(server: Server, whole: dict[str, bytes]) -> None:
    folder = server.folder / "often"
    stream = random.Random(21)
    for step in (4, 17, 30, 44):
        running = server.start(*TRAIN, "-o", folder, "--resume", seconds=0.0)
        running.at_step(folder, step)
        time.sleep(stream.uniform(0.0, 0.02))
        running.send(signal.SIGKILL)
    assert server.run(*TRAIN, "-o", folder, "--resume")[0] == 0
    assert result(folder) == whole


def test_ctrl_c(server: Server, whole: dict[str, bytes]) -> None:
    """Exit code 130, a checkpoint of the step that ran, and a message that says how to go on."""
    folder = server.folder / "interrupted"
    running = server.start(*TRAIN, "-o", folder, seconds=0.0)
    running.at_step(folder, 15)
    assert running.send(signal.SIGINT) == 130
    assert "stopped; to go on: specc train" in running.text
    assert "Traceback" not in running.text
    path = latest(folder / "checkpoints")
    assert path is not None
    _, meta = load(path)
    assert meta["steps"] == meta["epoch"] * STEPS + meta["step"] >= 15
    assert not list(folder.rglob(".*.tmp"))
    assert server.run(*TRAIN, "-o", folder, "--resume")[0] == 0
    assert result(folder) == whole


def test_ctrl_c_before_the_first_step(server: Server, whole: dict[str, bytes]) -> None:
    folder = server.folder / "early"
    running = server.start(*TRAIN, "-o", folder)
    # Not while specs are read: pydantic-core swallows what a signal raises in it.
    limit = time.monotonic() + 30
    while "training" not in running.text and time.monotonic() < limit:
        time.sleep(0.002)
    assert running.send(signal.SIGINT) == 130
    assert "Traceback" not in running.text
    assert server.run(*TRAIN, "-o", folder, "--resume")[0] == 0
    assert result(folder) == whole


def test_a_finished_run_says_so(server: Server, whole: dict[str, bytes]) -> None:
    folder = server.folder / "whole"
    status, text = server.run(*TRAIN, "-o", folder, "--resume")
    assert status == 0
    assert "this run has finished; nothing to do" in text
    assert result(folder) == whole


def test_other_settings_are_refused(server: Server, whole: dict[str, bytes]) -> None:
    folder = server.folder / "whole"
    for changed in (["--seed", "1"], ["--set=train.batch_size=32"]):
        status, text = server.run(*TRAIN, *changed, "-o", folder, "--resume")
        assert status == 2
        assert "was started from another spec" in text
        assert "Traceback" not in text
    assert server.run(*TRAIN, "-o", folder)[0] == 2
    assert result(folder) == whole


def test_cuda_that_is_not_there(server: Server) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has the CUDA provider")
    status, text = server.run(*TRAIN, "-o", "cuda", "--device", "cuda")
    assert status == 2
    assert "device cuda: this onnxruntime has no CUDA provider" in text
    assert not (server.folder / "cuda").exists()


@pytest.mark.slow
@pytest.mark.skipif(not MNIST.is_dir(), reason="there is no copy of MNIST")
def test_the_mnist_cnn_killed_in_its_epoch(server: Server) -> None:
    """On a tenth of the digits; `model.onnx` and state have the same bytes."""
    train = [
        "train", ROOT / "specs" / "mnist_cnn.yaml", "--data", MNIST, "--quiet",
        "--set=train.epochs=1", "--set=train.validation_split=0.95",
    ]  # fmt: skip
    assert server.run(*train, "-o", "mnist")[0] == 0
    folder = server.folder / "mnist killed"
    running = server.start(*train, "-o", folder, seconds=0.2)
    running.at_step(folder, 20)
    assert running.send(signal.SIGKILL) == -signal.SIGKILL
    assert server.run(*train, "-o", folder, "--resume")[0] == 0
    assert result(folder) == result(server.folder / "mnist")
