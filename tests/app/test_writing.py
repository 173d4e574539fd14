"""init, fmt, diff, import, compile: what turns a spec into files and text."""

import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

from specc.app.compiling import Target
from specc.spec.reader import loads
from specc.spec.starter import starter
from specc.targets.target import TARGETS
from tests.app.console import ROOT, SPECS, TINY, invoke
from tests.golden import FROZEN
from tests.golden import app as golden


def test_init_writes_the_starter_once(workplace):
    result = invoke("init", "digits.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "wrote digits.yaml; next: specc summary digits.yaml, specc train digits.yaml --report\n"
    )
    assert (workplace / "digits.yaml").read_text() == starter("digits")
    (workplace / "digits.yaml").write_text("mine")
    result = invoke("init", "digits.yaml")
    assert result.exit_code == 2
    assert result.stderr == "digits.yaml: exists; name another file, or add --force\n"
    assert (workplace / "digits.yaml").read_text() == "mine"
    assert invoke("init", "digits.yaml", "--force").exit_code == 0
    assert (workplace / "digits.yaml").read_text() == starter("digits")


def test_init_by_default_and_to_stdout(workplace):
    assert invoke("init").exit_code == 0
    assert [path.name for path in workplace.iterdir()] == ["my_model.yaml"]
    assert invoke("init", "-").stdout == starter()


@pytest.mark.parametrize("stem", ["1", "true", "a b", "a: b", "ü", "-"])
def test_init_names_the_model_after_the_file(workplace, stem):
    assert invoke("init", f"./{stem}.yaml").exit_code == 0
    spec = loads((workplace / f"{stem}.yaml").read_text())
    assert spec.name == stem


def test_init_where_it_cannot_write(workplace):
    result = invoke("init", "nowhere/a.yaml")
    assert (result.exit_code, result.stderr) == (2, "nowhere/a.yaml: No such file or directory\n")


COMMENTED = TINY.replace("  epochs: 3\n", "  epochs: 3  # few\n")
UGLY = COMMENTED.replace("{x: [4]}", "{ x: [ 4 ] }").replace("name: tiny", "'name': tiny") + "\n"


def test_fmt_in_place(workplace):
    path = workplace / "a.yaml"
    path.write_text(UGLY)
    path.chmod(0o640)
    link = workplace / "link.yaml"
    link.symlink_to(path)
    result = invoke("fmt", "link.yaml")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "link.yaml: formatted\n")
    assert path.read_text() == COMMENTED
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    before = path.stat().st_mtime_ns
    assert invoke("fmt", "a.yaml").output == ""
    assert path.stat().st_mtime_ns == before


def test_fmt_check_changes_nothing(workplace):
    (workplace / "ugly.yaml").write_text(UGLY)
    (workplace / "fine.yaml").write_text(TINY)
    (workplace / "broken.yaml").write_text("a: [")
    result = invoke("fmt", "--check", "ugly.yaml", "broken.yaml", "fine.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first == "ugly.yaml: would be formatted"
    assert second.startswith("broken.yaml:")
    assert (workplace / "ugly.yaml").read_text() == UGLY
    assert invoke("fmt", "--check", "fine.yaml").exit_code == 0


def test_fmt_from_stdin_to_stdout():
    result = invoke("fmt", "-", stdin=UGLY)
    assert result.stdout == COMMENTED
    assert invoke("fmt", "--check", "-", stdin=UGLY).stderr == "<stdin>: would be formatted\n"
    result = invoke("fmt", "-", stdin=b"\xff")
    assert (result.exit_code, result.stderr) == (
        2,
        "<stdin>:1:1: expected UTF-8, found byte 0xff; save the file as UTF-8\n",
    )


def test_fmt_mends_marks_and_line_ends(workplace):
    (workplace / "a.yaml").write_bytes(b"\xef\xbb\xbf" + TINY.replace("\n", "\r\n").encode())
    assert invoke("fmt", "a.yaml").exit_code == 0
    assert (workplace / "a.yaml").read_bytes() == TINY.encode()


def test_fmt_leaves_the_specs_of_this_repository_alone():
    assert invoke("fmt", "--check", *sorted(SPECS.glob("*.yaml"))).output == ""


def test_diff_as_text_json_and_markdown(tiny):
    (tiny / "b.yaml").write_text(TINY.replace("units: 8", "units: 9").replace("0.5", "0.1"))
    text = invoke("diff", "tiny.yaml", "b.yaml").stdout
    assert "~ dense (Dense)\n    units: 8 -> 9\n" in text
    assert "params: 40 -> 45 (+5)" in text
    assert "train.optimizer" in text
    for option in (["--format", "json"], ["--json"]):
        found = json.loads(invoke("diff", "tiny.yaml", "b.yaml", *option).stdout)
        assert found["totals"]["params"] == [58, 65]
    text = invoke("diff", "tiny.yaml", "b.yaml", "--format", "markdown").stdout
    assert "| changed | `dense` (Dense) | units: 8 -> 9<br>" in text
    assert invoke("diff", "tiny.yaml", "tiny.yaml").stdout == "no differences\n"


def test_diff_wants_two_specs_or_one_to_convert(tiny):
    result = invoke("diff", "tiny.yaml")
    assert result.exit_code == 2
    assert "expected two specs" in result.stderr
    result = invoke("diff", "--textconv", "tiny.yaml", "tiny.yaml")
    assert result.exit_code == 2
    assert "takes one file and no others" in result.stderr


def test_textconv_of_a_spec_and_of_something_else(tiny):
    text = invoke("diff", "--textconv", "tiny.yaml").stdout
    assert "dense {units: 8, activation: relu} -> (None, 8) 40 params" in text.splitlines()
    (tiny / "broken.yaml").write_bytes(b"layers: [\xff")
    result = invoke("diff", "--textconv", "broken.yaml")
    assert (result.exit_code, result.stdout_bytes, result.stderr) == (0, b"layers: [\xff", "")
    result = invoke("diff", "--textconv", "missing.yaml")
    assert (result.exit_code, result.stderr) == (2, "missing.yaml: No such file or directory\n")


def test_git_shows_specs_through_textconv(tiny):
    identity = {"NAME": "a", "EMAIL": "a@b.invalid"}
    who = {
        f"GIT_{role}_{key}": v for role in ("AUTHOR", "COMMITTER") for key, v in identity.items()
    }
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*arguments):
        done = subprocess.run(
            ["git", *arguments], check=True, capture_output=True, text=True, env=env
        )
        return done.stdout

    git("init", "-q")
    git("config", "diff.specc.textconv", f"{sys.executable} {ROOT / 'cli.py'} diff --textconv")
    (tiny / ".gitattributes").write_text("*.yaml diff=specc\n")
    git("add", "tiny.yaml", ".gitattributes")
    git("commit", "-qm", "first")
    (tiny / "tiny.yaml").write_text(TINY.replace("units: 8", "units: 9"))
    lines = git("diff").splitlines()
    assert "-dense {units: 8, activation: relu} -> (None, 8) 40 params" in lines
    assert "+dense {units: 9, activation: relu} -> (None, 9) 45 params" in lines


def test_import_of_a_keras_model(workplace):
    case = golden("siamese_multi_io")
    (workplace / "config.json").write_text(json.dumps(case["config.json"]))
    result = invoke("import", "config.json")
    assert result.exit_code == 0
    assert invoke("import", "config.json", "-o", "spec.yaml").stderr == "wrote spec.yaml\n"
    assert (workplace / "spec.yaml").read_text() == result.stdout
    assert invoke("summary", "spec.yaml").stdout.rstrip() == case["summary.txt"].rstrip()


def test_import_of_what_is_no_keras_model(workplace):
    (workplace / "a.json").write_text("{")
    result = invoke("import", "a.json", "-o", "spec.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("a.json:1:2: not JSON")
    assert not (workplace / "spec.yaml").exists()


def test_import_with_weights(workplace):
    pytest.importorskip("h5py")
    shutil.copy(FROZEN / "weights.keras", "m.keras")
    result = invoke("import", "m.keras", "-o", "m.yaml", "--weights", "m.safetensors")
    assert (result.exit_code, result.stderr) == (0, "wrote m.yaml\nwrote m.safetensors\n")
    found = load_file("m.safetensors")
    assert found["first/kernel"].shape == (4, 2)
    (workplace / "m.json").write_text(zipfile.ZipFile("m.keras").read("config.json").decode())
    result = invoke("import", "m.json", "--weights", "w.safetensors")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "m.json: expected a .keras archive with model.weights.h5" in result.stderr


def test_import_tells_what_only_shapes_show(workplace):
    text = (FROZEN / "operations.json.gz").read_bytes()
    config = json.loads(gzip.decompress(text))["cases"][0]["config"]
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "GetItem":
            layer["inbound_nodes"][0]["args"][1] = 0
    (workplace / "m.json").write_text(json.dumps(config))
    result = invoke("import", "m.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("nothing is picked along axis 0 of (None, 4, 6)") > 1


def test_compile_writes_graphs(tiny):
    result = invoke("compile", "tiny.yaml", "-o", "out", "--opset", 18)
    assert result.exit_code == 0
    assert result.stderr == "wrote out (target portable, opset 18)\n"
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["graph", "ops", "bytes"]
    for name, ops, size in rows[1:]:
        model = onnx.load(tiny / "out" / name)
        onnx.checker.check_model(model, full_check=True)
        # All nodes but those that only give an output its name.
        nodes = [node for node in model.graph.node if not node.name.startswith("output/")]
        assert int(ops.replace(",", "")) == len(nodes)
        assert int(size.replace(",", "")) == (tiny / "out" / name).stat().st_size
    assert sorted(path.name for path in (tiny / "out").iterdir()) == [
        "eval.onnx", "infer.onnx", "manifest.json", "model.onnx", "state.safetensors", "train.onnx",
    ]  # fmt: skip


def test_compile_for_a_target_as_json(tiny):
    result = invoke("compile", "tiny.yaml", "-o", "out", "--target", "cpu", "--json")
    found = json.loads(result.stdout)
    assert (found["folder"], found["target"]) == ("out", "cpu")
    assert {p["file"] for p in found["programs"]} == {"train.onnx", "eval.onnx", "infer.onnx"}
    manifest = json.loads((tiny / "out" / "manifest.json").read_text())
    assert manifest["target"] == "cpu"


def test_compile_with_weights(tiny):
    invoke("compile", "tiny.yaml", "-o", "out")
    names = [w["name"] for w in json.loads((tiny / "out" / "manifest.json").read_text())["weights"]]
    state = load_file(tiny / "out" / "state.safetensors")
    weights = {name: state[name] + 1 for name in names}
    save_file(weights, tiny / "w.safetensors")
    assert invoke("compile", "tiny.yaml", "-o", "new", "--weights", "w.safetensors").exit_code == 0
    found = load_file(tiny / "new" / "state.safetensors")
    for name in names:
        assert (found[name] == weights[name]).all()
    # A checkpoint holds more than weights.
    state = "new/state.safetensors"
    assert invoke("compile", "tiny.yaml", "-o", "third", "--weights", state).exit_code == 0
    found = load_file(tiny / "third" / "state.safetensors")
    for name in names:
        assert (found[name] == weights[name]).all()
    result = invoke("compile", "tiny.yaml", "-o", "new", "--weights", "missing.safetensors")
    assert result.exit_code == 2
    assert "missing.safetensors" in result.stderr


def test_compile_with_the_weights_of_a_run(trained, tmp_path):
    """Oracle: the run's own model.onnx."""
    run = trained / "run"
    result = invoke("compile", run / "spec.yaml", "-o", tmp_path / "new", "--weights", run)
    assert result.exit_code == 0, result.stderr
    x = np.load(trained / "x.npy").astype(np.float32)
    outputs = [
        onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"x": x})[0]
        for folder in (run, tmp_path / "new")
    ]
    np.testing.assert_array_equal(*outputs)


def test_compile_of_what_cannot_be(tiny):
    result = invoke("compile", "tiny.yaml", "-o", "out", "--opset", 7)
    assert result.exit_code == 2
    assert "opset 7" in result.stderr
    result = invoke("compile", "tiny.yaml", "-o", "tiny.yaml")
    assert (result.exit_code, result.stderr) == (
        2, "tiny.yaml: expected a folder, found a file; choose another\n",
    )  # fmt: skip
    result = invoke("compile", "tiny.yaml")
    assert result.exit_code == 2
    assert "Missing option '-o'" in result.stderr


def test_targets_of_the_command_line_are_those_there_are():
    assert [target.value for target in Target] == list(TARGETS)


def test_init_for_a_table_then_training_leaves_a_model_and_a_report(workplace):
    rows = [f"{i % 7},{'low' if i % 7 < 3 else 'high'}" for i in range(70)]
    (workplace / "sizes.csv").write_text("\n".join(["size,kind", *rows]))
    made = invoke("init", "--csv", "sizes.csv")
    assert made.exit_code == 0
    assert made.stderr.splitlines() == [
        "70 rows; predicts kind (one of 2 classes) from 1 column",
        "wrote sizes.yaml; next: specc summary sizes.yaml, specc train sizes.yaml --report",
    ]
    trained = invoke(
        "train", "sizes.yaml", "-o", "run", "--report", "--quiet", "--set", "train.epochs=2"
    )
    assert trained.exit_code == 0
    assert (workplace / "run/model.onnx").is_file()
    assert (workplace / "run/report.html").is_file()


def test_init_takes_one_kind_of_data(workplace):
    (workplace / "a.csv").write_text("a,b\n1,2\n")
    result = invoke("init", "--csv", "a.csv", "--text", "a.csv")
    assert result.exit_code == 2
    assert "--images, --table, --text: expected one of them" in result.stderr
    result = invoke("init", "--target", "a")
    assert result.exit_code == 2
    assert "--target: belongs to --table" in result.stderr
    assert invoke("init", "--images", "nowhere").exit_code == 2
    assert [each.name for each in workplace.iterdir()] == ["a.csv"]
