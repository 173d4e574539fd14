"""doctor, and what it finds in environments that are broken on purpose."""

import importlib.metadata
import json

import numpy
import onnxruntime
import pytest

from specc import installation
from specc.version import __version__
from tests.app.console import execute, invoke


def test_doctor_on_this_environment():
    result = invoke("doctor")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = dict(
        line.strip().split(maxsplit=1) for line in result.stdout.splitlines() if " " in line
    )
    assert rows["specc"] == __version__
    assert rows["numpy"] == numpy.__version__
    assert rows["onnxruntime"] == f"{onnxruntime.__version__} (extra 'cpu')"
    assert rows["cpu"] == "works"
    assert rows["providers"] == ", ".join(onnxruntime.get_available_providers())


def test_doctor_as_json(monkeypatch):
    monkeypatch.setenv("SPECC_DATA", "/data")
    found = json.loads(invoke("doctor", "--json").stdout)
    assert found["runtimes"] == {"onnxruntime": onnxruntime.__version__}
    assert found["devices"][0] == {"device": "cpu", "works": True, "why": ""}
    assert found["data"]["SPECC_DATA"] == "/data"
    assert found["problems"] == []
    required = {p["name"] for p in found["packages"] if not p["extra"]}
    assert {"numpy", "onnx", "pydantic", "typer"} <= required


def install(folder, name, version="9.9"):
    """Leave the traces of an installed distribution that fills the folder `onnxruntime`."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "top_level.txt").write_text("onnxruntime\n")


@pytest.mark.parametrize("other", ["onnxruntime-gpu", "onnxruntime-openvino"])
def test_two_wheels_in_one_folder(tmp_path, other):
    install(tmp_path, other)
    done = execute("doctor", "--json", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert found["runtimes"] == {"onnxruntime": onnxruntime.__version__, other: "9.9"}
    (problem,) = found["problems"]
    assert problem.startswith(f"onnxruntime and {other} are both installed")
    assert f"pip uninstall onnxruntime {other}, then one of: " in problem


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("raise ImportError('libfoo.so.1: cannot open')", "libfoo.so.1: cannot open"),
        ("", "onnxruntime is damaged: "),
    ],
    ids=["library missing", "files missing"],
)
def test_a_runtime_that_does_not_load(tmp_path, content, why):
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text(content)
    done = execute("doctor", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert f"cpu                no: {why}" in done.stdout
    assert done.stderr.startswith("problem: onnxruntime does not work: ")
    assert "then " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def without(monkeypatch):
    """Makes distributions look as if they were not installed."""

    def hide(*names):
        real = importlib.metadata.version

        def version(name):
            if name in names:
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name)

        monkeypatch.setattr(importlib.metadata, "version", version)
        monkeypatch.setattr(importlib.metadata, "packages_distributions", dict)

    return hide


def test_no_runtime_at_all(without):
    without("onnxruntime", "onnxruntime-gpu")
    found = installation.inspect_installation()
    assert found.runtimes == {}
    assert len(found.problems) == 1
    assert found.problems[0].startswith("onnxruntime is missing; type: ")
    assert "onnxruntime-gpu" in found.problems[0]


def test_a_missing_requirement(without):
    without("safetensors")
    (problem,) = installation.inspect_installation().problems
    assert problem.startswith("safetensors is missing; type: ")


def test_a_folder_that_was_never_installed(monkeypatch):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    result = invoke("doctor")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "was never installed" in result.stdout


def test_what_to_type_depends_on_what_there_is(monkeypatch):
    missing = {"safetensors"}
    for spec, wanted in ((object(), "pip install"), (None, "uv pip install")):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, spec=spec: spec)
        packages = [installation.Package("a", "a>=1", "", None)]
        (problem,) = installation._problems(packages, {"onnxruntime": "1"}, [
            installation.DeviceState("cpu", works=True)
        ])  # fmt: skip
        assert problem == f"a is missing; type: {wanted} 'a>=1'"
    assert missing


def test_a_model_that_trains_to_no_number(monkeypatch):
    from specc.model import Model

    monkeypatch.setattr(Model, "train_on_batch", lambda self, x, y: {"loss": float("nan")})
    found = installation.inspect_installation()
    assert found.devices[0] == installation.DeviceState("cpu", False, "the loss is nan")
    assert "does not work: the loss is nan" in found.problems[0]
