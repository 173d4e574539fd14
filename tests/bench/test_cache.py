"""Costs of a machine between processes: found again, and refused where they are another's."""

from __future__ import annotations

import json

import pytest

import specc
from specc.bench import cache
from specc.data import download
from specc.errors import RuntimeSetupError
from specc.targets.costs import KernelCosts

COSTS = KernelCosts(12.5, 20.0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The cache of somebody who measured nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "specc" / "calibration"


def test_what_was_kept_is_found(folder):
    path = cache.keep(COSTS, 3)
    assert path.parent == folder
    assert specc.calibrated_costs(3) == COSTS
    cache.keep(KernelCosts(1.0), 3)
    assert specc.calibrated_costs(3) == KernelCosts(1.0)
    cache.keep(COSTS)
    assert specc.calibrated_costs() == COSTS


def test_nothing_was_measured():
    with pytest.raises(
        RuntimeSetupError, match=r"found none; measure them: specc bench --calibrate$"
    ):
        specc.calibrated_costs()


def test_another_number_of_threads():
    cache.keep(COSTS, 3)
    with pytest.raises(
        RuntimeSetupError, match=r"threads-3; .*specc bench --calibrate --threads 2$"
    ):
        specc.calibrated_costs(2)


def test_another_version(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(cache, "runtime_version", lambda: "1.2.3")
        cache.keep(COSTS, 2)
    with pytest.raises(RuntimeSetupError, match=r"found onnxruntime-1\.2\.3-threads-2; measure"):
        specc.calibrated_costs(2)


def test_another_processor(monkeypatch):
    cache.keep(COSTS, 2)
    monkeypatch.setattr(cache, "processor", lambda: "an abacus")
    with pytest.raises(RuntimeSetupError, match="expected costs of an abacus, found those of"):
        specc.calibrated_costs(2)


def test_this_machine_has_a_processor():
    assert cache.processor()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: "{", "no JSON"),
        (lambda text: "[]", "expected format 1"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "expected format 1"),
        (lambda text: text.replace("12.5", "12.25"), "not those of their hash"),
        (lambda text: text.replace("12.5", "-1"), "gathered: expected a positive number"),
        (lambda text: json.dumps({**json.loads(text), "costs": None}), "expected gathered"),
        (lambda text: text + " " * 2**16, "larger than 65,536 bytes"),
    ],
)
def test_a_file_that_was_changed(change, match):
    path = cache.keep(COSTS, 2)
    path.write_text(change(path.read_text()))
    with pytest.raises(RuntimeSetupError, match=match) as caught:
        specc.calibrated_costs(2)
    assert str(caught.value).startswith(str(path))
    assert "specc bench --calibrate --threads 2" in str(caught.value)


def test_caches_lie_where_the_system_has_them(monkeypatch, tmp_path):
    monkeypatch.setattr(download.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert download.cache_folder("a") == tmp_path / "specc" / "a"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert download.cache_folder("a") == tmp_path / "local" / "specc" / "a"
    monkeypatch.setattr(download.sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert download.cache_folder("a") == tmp_path / ".cache" / "specc" / "a"
