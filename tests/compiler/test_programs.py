"""Compiled programs: valid, standard, open to every batch, the same bytes every time.

Oracles: ONNX's checker and shape inference, onnxruntime, a second process.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import specc
from specc.compiler import compile_spec
from specc.compiler.program import Port, Program
from specc.errors import CompileError, InternalError, MissingRuleError, SpecError
from specc.layers.dense import Dense
from specc.network.ports import NAMES, PREFIXES, is_taken
from specc.tensors import Sym
from tests.compiler.spec_texts import IMAGE, TEXTS, spec

ROOT = Path(__file__).parents[2]
TARGETS = ["portable", "cpu", "cuda"]
on_texts = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
on_targets = pytest.mark.parametrize("target", TARGETS)


def feeds(ports: tuple[Port, ...], batch: int) -> dict[str, np.ndarray]:
    """Ones of the declared types; ids and counters are 0."""
    return {
        p.name: np.full(
            [d.factor * batch if isinstance(d, Sym) else d for d in p.shape],
            1.0 if p.dtype.startswith("float") else 0,
            np.dtype(p.dtype),
        )
        for p in ports
    }


def run(program: Program, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 1
    session = onnxruntime.InferenceSession(
        program.model, options, providers=["CPUExecutionProvider"]
    )
    names = [p.name for p in program.outputs]
    return dict(zip(names, session.run(names, given), strict=True))


@on_texts
@on_targets
def test_programs_are_standard_onnx(text: str, target: str, tmp_path: Path) -> None:
    bundle = compile_spec(spec(text, tmp_path), target)
    assert set(bundle.programs) == {"train", "eval", "infer"}
    for program in bundle.programs.values():
        model = onnx.load_from_string(program.model)
        onnx.checker.check_model(model, full_check=True)
        assert [(i.domain, i.version) for i in model.opset_import] == [("", 18)]
        assert {node.domain for node in model.graph.node} == {""}
        assert not model.functions
        assert model.ir_version == 8
        assert [v.name for v in model.graph.input] == [p.name for p in program.inputs]
        assert [v.name for v in model.graph.output] == [p.name for p in program.outputs]
        names = [name for node in model.graph.node for name in node.output if name]
        assert len(set(names)) == len(names)


@on_texts
@on_targets
def test_declared_types_are_those_of_the_run(text: str, target: str, tmp_path: Path) -> None:
    bundle = compile_spec(spec(text, tmp_path), target)
    for program in bundle.programs.values():
        for batch in (1, 3):
            found = run(program, feeds(program.inputs, batch))
            for port in program.outputs:
                lengths = [d.factor * batch if isinstance(d, Sym) else d for d in port.shape]
                assert found[port.name].shape == tuple(lengths), port
                assert str(found[port.name].dtype) == port.dtype, port


@on_texts
def test_every_state_that_changes_is_fed_back(text: str, tmp_path: Path) -> None:
    train = compile_spec(spec(text, tmp_path), "cpu").programs["train"]
    states = {p.name: p for p in train.inputs if p.role == "state"}
    back = {p.feeds: p for p in train.outputs if p.role == "state"}
    assert states.keys() == back.keys()
    for name, port in states.items():
        assert (port.shape, port.dtype) == (back[name].shape, back[name].dtype)


def test_newer_opsets_on_request(tmp_path: Path) -> None:
    bundle = compile_spec(spec(IMAGE, tmp_path), "portable", 21)
    model = onnx.load_from_string(bundle.programs["train"].model)
    assert model.opset_import[0].version == 21
    with pytest.raises(CompileError, match="opset 12"):
        compile_spec(spec(IMAGE, tmp_path), "portable", 12)
    with pytest.raises(CompileError, match=r"'cpu'"):
        compile_spec(spec(IMAGE, tmp_path), "cqu")


# Prints a digest of every program; run twice with other hash seeds.
DIGESTS = """
import hashlib, sys
import specc
from specc.compiler import compile_spec
for path in sys.argv[1:]:
    for target in ("portable", "cpu"):
        for name, program in compile_spec(specc.load(path), target).programs.items():
            print(path, target, name, hashlib.sha256(program.model).hexdigest())
"""


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    paths: list[str] = []
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
        paths.append(str(tmp_path / f"{name}.yaml"))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DIGESTS, *paths],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate()[0] for process in processes)
    assert first == second
    assert len(first.splitlines()) == 2 * 3 * len(TEXTS)
    # And this process, which has compiled other things before, agrees.
    own = compile_spec(specc.load(paths[0]), "cpu").programs["train"].model
    assert hashlib.sha256(own).hexdigest() in first


def test_bytes_hold_no_place(tmp_path: Path) -> None:
    for program in compile_spec(spec(IMAGE, tmp_path), "cpu").programs.values():
        assert str(tmp_path).encode() not in program.model
        assert str(ROOT).encode() not in program.model


def test_a_layer_whose_shape_rule_is_wrong_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = spec(IMAGE, tmp_path)
    right = Dense.output_shape
    monkeypatch.setattr(
        Dense, "output_shape", lambda self, inputs: (*right(self, inputs)[:-1], self.units + 1)
    )
    with pytest.raises(InternalError, match=r"layers\[6\].*shape rule says \(None, 7\)"):
        compile_spec(loaded)


def test_a_layer_whose_lowering_is_wrong_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = spec(IMAGE, tmp_path)
    right = Dense.lower
    monkeypatch.setattr(Dense, "lower", lambda self, low, *x: specc_sum(right(self, low, *x)))
    with pytest.raises(InternalError, match=r"layers\[6\].*the lowering made"):
        compile_spec(loaded)


def specc_sum(x: object) -> object:
    from specc import primitives as ops

    return ops.reduce_sum(x, -1)  # type: ignore[arg-type]


def test_a_missing_rule_names_op_layer_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specc import autodiff

    loaded = spec(IMAGE, tmp_path)
    monkeypatch.delitem(autodiff._RULES, "Tanh")
    with pytest.raises(MissingRuleError) as raised:
        compile_spec(loaded, "cpu")
    place = r"spec.yaml:8:5: layers\[2\].*: conv2d_1: no gradient rule for ONNX op 'Tanh'"
    assert raised.match(place)
    assert raised.value.scope == "conv2d_1"


def test_a_missing_rule_in_a_sub_model_is_placed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specc import autodiff

    loaded = spec(TEXTS["towers"].replace("gelu", "softsign"), tmp_path)
    monkeypatch.delitem(autodiff._RULES, "Softsign")
    with pytest.raises(
        MissingRuleError, match=r"spec.yaml:9:9: models.encoder.layers\[0\].*'Softsign'"
    ):
        compile_spec(loaded, "cpu")


def test_a_missing_rule_in_the_loss_names_the_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specc import autodiff

    loaded = spec(IMAGE, tmp_path)
    monkeypatch.delitem(autodiff._RULES, "LogSoftmax")
    with pytest.raises(MissingRuleError, match=r"^loss: no gradient rule"):
        compile_spec(loaded, "cpu")


@pytest.mark.parametrize("name", [*sorted(NAMES), *(f"{p}x" for p in PREFIXES)])
def test_inputs_cannot_take_names_of_the_graphs(name: str, tmp_path: Path) -> None:
    text = IMAGE.replace("inputs: {image:", f"inputs: {{{name}:")
    with pytest.raises(SpecError, match=r"spec.yaml:4:10: inputs\..*cannot be called") as raised:
        compile_spec(spec(text, tmp_path))
    assert raised.value.line == 4


@on_texts
def test_names_of_the_graphs_are_those_that_inputs_cannot_take(text: str, tmp_path: Path) -> None:
    loaded = spec(text, tmp_path)
    own = {each.name for each in loaded.model.inputs}
    bundle = compile_spec(loaded, "cpu")
    for program in bundle.programs.values():
        for port in (*program.inputs, *program.outputs):
            assert is_taken(port.name) or port.name in own or port.role == "output", port


@pytest.mark.parametrize("name", ["weights", "iterations", "const_0", "dense/Gemm_7", "next/x"])
def test_layers_may_take_any_name(name: str, tmp_path: Path) -> None:
    text = IMAGE.replace(
        "  - dense: {units: 3, activation: softmax}\n",
        f"  - dense: {{units: 3, activation: softmax}}\n    name: {name}\n",
    )
    bundle = compile_spec(spec(text, tmp_path), "cpu")
    (output,) = bundle.programs["infer"].ports("output")
    assert output.name.removeprefix("output/").startswith(name)
    for program in bundle.programs.values():
        run(program, feeds(program.inputs, 2))
