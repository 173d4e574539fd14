"""What must hold for the package as a whole: its names, what importing costs, its files."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import specc

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "specc").rglob("*.py"))
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
MOST_LINES = 400
# What `import specc` may not load, and what a summary may not.
LATE = ("onnxruntime", "onnx", "rich", "typer", "pydantic", "numpy")
NOT_FOR_SUMMARIES = ("onnxruntime", "onnx", "rich", "typer")


def loaded_after(code: str, names: tuple[str, ...]) -> list[str]:
    """Which of `names` are imported once `code` ran in a fresh interpreter."""
    script = (
        f"import sys, json\n{code}\nprint(json.dumps([n for n in {names} if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import specc", LATE) == []


def test_a_summary_needs_no_onnx():
    code = "import specc; str(specc.summary(specc.load('specs/mnist_cnn.yaml')))"
    assert loaded_after(code, NOT_FOR_SUMMARIES) == []


def test_public_names_are_sorted_documented_and_there():
    assert specc.__all__ == sorted(specc.__all__)
    assert sorted(name for name in dir(specc) if name[0] != "_") == [
        "Callback", "CompileError", "DataError", "InternalOps", "KernelCosts", "MissingRuleError",
        "Model", "RunError", "RuntimeSetupError", "Spec", "SpecError", "SpeccError",
        "calibrated_costs", "compile", "diff", "explain", "from_keras", "internal_ops",
        "keras_weights", "load", "summary",
    ]  # fmt: skip
    for name in specc.__all__:
        if name != "__version__":
            assert getattr(specc, name).__doc__, name


def test_late_names_are_the_ones_that_type_checkers_see():
    """`_PLACES` and the imports below `if TYPE_CHECKING` say the same."""
    tree = ast.parse((ROOT / "specc/__init__.py").read_text(encoding="utf-8"))
    (guarded,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == specc._PLACES
    assert sorted([*seen, "__version__"]) == specc.__all__


def test_functions_are_not_shadowed_by_packages():
    """Importing any module leaves `specc.summary` and the others the functions that they are."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES]
    names = [name.removesuffix(".__init__") for name in names]
    taken = [name for name in specc.__all__ if f"specc.{name}" in names]
    assert taken == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'specc' has no attribute 'sumary'"):
        specc.sumary  # noqa: B018


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_documented(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert ast.get_docstring(ast.parse(text))


def test_there_is_no_drawer_for_everything():
    assert {"utils", "common", "helpers", "misc"}.isdisjoint(path.stem for path in MODULES)


def test_floors_are_drawn_as_they_are_enforced():
    """docs/architecture.md names the same floors as the import contract, in the same order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (floors,) = (c["layers"] for c in contracts if c["id"] == "floors")
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (drawing,) = re.findall(r"<!-- drawing: floors -->\n```text\n(.*?)```", page, re.DOTALL)
    drawn = [
        re.split(r"\s{2,}", line.strip())[0] for line in drawing.splitlines() if "│" not in line
    ]
    assert drawn == floors


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_open_with_what_they_show_and_their_count(path):
    text = path.read_text(encoding="utf-8")
    comment = " ".join(line.lstrip("# ") for line in text.split("specc: 1")[0].splitlines())
    assert text.startswith("# ")
    params = specc.summary(specc.load(path)).to_dict()["total_params"]
    assert f"{params:,} parameters" in re.sub(r"\s+", " ", comment)


def test_the_commands_of_the_readme_are_the_ones_that_are_checked():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    shown, *_ = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    install, train, test = shown.splitlines()
    assert install == "pip install uv"
    assert train == "uv run specc train specs/digits_cnn.yaml"
    assert f"step {test}\n" in ci


def test_the_version_stands_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert specc.__version__ in re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which builds the wheel, is not on the path")
    command = [uv, "build", "--wheel", "--offline", "--out-dir", str(tmp_path), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "network was disabled" in done.stderr:
        pytest.skip("uv has not cached hatchling, which builds the wheel")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    version = specc.__version__
    assert {name.split("/")[0] for name in names} == {"specc", f"specc-{version}.dist-info"}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "specc").rglob("*.py")}
    code = {name for name in names if name.startswith("specc/")}
    assert code == {*modules, "specc/py.typed"}


def tracked() -> list[Path]:
    """Text files under version control, without this one, which has to name what it looks for."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    suffixes = {".py", ".md", ".yaml", ".toml", ".svg", ".json", ""}
    return [
        p for p in paths if p.suffix in suffixes and p.is_file() and p != Path(__file__).resolve()
    ]


def test_files_name_no_machine_and_leave_nothing_to_do():
    wrong = re.compile(
        r"(?<![\w.])/(?:work|tmp|root|home|Users)/|C:\\|\bTODO\b|\bFIXME\b|\bXXX\b"
        r"|\bpypi\.org|\bfiles\.pythonhosted"
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wrong.search(line)
    ]
    assert found == []
