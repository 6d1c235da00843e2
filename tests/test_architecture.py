"""The house stands as DESIGN draws it: floors, homes, room sizes, one reader of the environment, quiet imports."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("api", "safety", "classifiers", "provenance", "generator", "media", "migrations")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
BIN = Path(sys.executable).parent

LARGEST_ROOM = 300
"""Lines of a module (house style: 50 to 250, 300 is a fault)."""

STANDS_ALONE = ROOT / "safety/verify_export.py"
"""An auditor reads and runs this one file: it imports nothing of ours, and may be as long as that needs."""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=named(path))


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "lint-imports", "--no-cache"], cwd=root, capture_output=True, text=True, check=False)


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 30


def test_imports_keep_the_floors_and_homes() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


OFFENCES = {
    "Imports go down only": ("classifiers/base.py", "import safety.gate"),
    "safety enters a workshop only through its base": ("safety/gate.py", "import classifiers.catalog"),
    "Concrete classes are chosen only in api.wiring": ("api/app.py", "from provenance.signers import Signer"),
    "Judging is pure: no database, process, network, clock or chance": ("safety/judge.py", "import os"),
    "c2pa is at home": ("provenance/base.py", "import c2pa"),
    "fastapi, starlette and uvicorn are at home": ("safety/gate.py", "import fastapi"),
    "sqlalchemy is at home": ("api/app.py", "from sqlalchemy.orm import Session"),
    "dbos is at home": ("safety/gate.py", "import dbos"),
    "pyarrow is at home": ("safety/gate.py", "import pyarrow"),
    "msgspec is at home": ("safety/judge.py", "import msgspec"),
    "torch is at home": ("provenance/base.py", "import torch"),
    "onnxruntime is at home": ("safety/gate.py", "import onnxruntime"),
    "av is at home": ("media/clip.py", "import av.container"),
}


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """A house with every room that a contract names, each doing only what is allowed."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    homes = re.findall(r'"((?:api|safety|classifiers|provenance|generator|media)(?:\.\w+)+)"', _contracts())
    rooms = {
        *homes,
        "api.app",
        "safety.gate",
        "classifiers.base",
        "classifiers.catalog",
        "generator.embedded",
        "media.clip",
    }
    for room in rooms | {"provenance.base"}:
        path = tmp_path / f"{room.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.touch()
    at_home = {
        "provenance/credentials.py": "import c2pa",
        "api/app.py": "import fastapi, starlette, uvicorn",
        "safety/tables.py": "import sqlalchemy",
        "safety/jobs.py": "import dbos",
        "safety/exports.py": "import pyarrow, msgspec",
        "safety/records.py": "import msgspec",
        "generator/embedded.py": "import torch, transformers, diffusers, onnxruntime",
        "media/codec.py": "import av",
        "safety/gate.py": "from classifiers.base import Score",
        "api/wiring.py": "import classifiers.catalog, safety.gate",
    }
    for name, line in at_home.items():
        (tmp_path / name).write_text(line + "\n", encoding="utf-8")
    return tmp_path


def test_a_house_that_keeps_the_contracts_passes(small_house: Path) -> None:
    result = lint_imports(small_house)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_every_contract_can_be_broken(small_house: Path) -> None:
    """A contract that no import breaks would guard nothing."""
    for name, line in OFFENCES.values():
        with (small_house / name).open("a", encoding="utf-8") as room:
            room.write(line + "\n")

    result = lint_imports(small_house)

    assert f"0 kept, {_contracts().count('[[tool.importlinter.contracts]]')} broken" in result.stdout
    assert [name for name in OFFENCES if not re.search(rf"^{re.escape(name)}.* BROKEN\b", result.stdout, re.M)] == []


def _contracts() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return text[text.index("[tool.importlinter]") :]


def test_rooms_are_small() -> None:
    large = {
        named(path): lines
        for path in SOURCES
        if (lines := len(path.read_text("utf-8").splitlines())) > LARGEST_ROOM and path != STANDS_ALONE
    }

    assert large == {}, "split by meaning"


def test_the_auditors_verifier_needs_python_and_nothing_else() -> None:
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name or "").split(".")[0]
        for node in ast.walk(parsed(STANDS_ALONE))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert imported <= sys.stdlib_module_names
    assert len(STANDS_ALONE.read_text("utf-8").splitlines()) < 400


def test_no_room_has_a_name_that_says_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "model", "models"}

    assert [named(path) for path in SOURCES if path.stem in nothing or path.parent.name in nothing] == []


def test_tests_are_not_packages() -> None:
    """`tests/safety/__init__.py` would make `import safety` find the tests."""
    assert [named(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_only_the_settings_read_the_environment() -> None:
    readers = [named(path) for path in SOURCES if _reads_environment(parsed(path))]

    assert [reader for reader in readers if reader != "api/settings.py"] == []


def _reads_environment(tree: ast.Module) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    written = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    }
    return any(
        (isinstance(node, ast.Attribute) and node.attr in names and id(node) not in written)
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names})
        for node in ast.walk(tree)
    )


def test_no_bare_assert_at_run_time() -> None:
    """Asserts vanish under `python -O`."""
    found = [
        f"{named(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Assert)
    ]

    assert found == []


def test_only_the_outermost_frames_catch_everything() -> None:
    """Catching everything to clean up and raise again is fine; swallowing it is api's business alone."""
    broad = {
        named(path)
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and _swallows_everything(node)
    }

    assert {path for path in broad if not path.startswith("api/")} == set()


def _swallows_everything(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    broad = any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds
    )
    return broad and not isinstance(handler.body[-1], ast.Raise)


def test_every_exception_derives_from_the_base_error_of_its_floor() -> None:
    bases = {"media": "MediaError", "classifiers": "ClassifierError", "provenance": "ProvenanceError"}
    bases |= {"generator": "GeneratorError", "safety": "SafetyError"}
    strangers = []
    for floor, base in bases.items():
        parents = {
            node.name: {parent.id for parent in node.bases if isinstance(parent, ast.Name)}
            for path in SOURCES
            if path.is_relative_to(ROOT / floor) and path != STANDS_ALONE
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.ClassDef)
        }
        strangers += [f"{floor}: {name}" for name in parents if name != base and _is_stranger(name, base, parents)]

    assert strangers == []


def _is_stranger(name: str, base: str, parents: dict[str, set[str]]) -> bool:
    lineage, todo = set[str](), {name}
    while todo:
        todo = {parent for child in todo for parent in parents.get(child, ())} - lineage
        lineage |= todo
    builtin = {parent for parent in lineage if parent.endswith(("Error", "Exception")) and parent not in parents}
    return bool(builtin) and base not in lineage


def test_migrations_know_only_the_tables() -> None:
    imported = {name for path in sorted((ROOT / "migrations").rglob("*.py")) for name in _imported(parsed(path))}
    ours = {name for name in imported if name.split(".")[0] in PACKAGES}

    assert ours <= {"safety.tables", "safety"}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


WATCHED_IMPORT = textwrap.dedent(
    """
    import importlib, os, sys

    ROOT, VENV, STANDARD = sys.argv[1] + os.sep, sys.prefix + os.sep, os.path.dirname(os.__file__) + os.sep
    EFFECTS = {"os.mkdir", "os.remove", "os.rename", "sqlite3.connect", "socket.connect", "subprocess.Popen"}
    seen = []

    def watch(event, args):
        writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+") and args[0] != os.devnull
        if not (writes or event in EFFECTS):
            return
        frame = sys._getframe(1)
        while frame is not None:  # the nearest caller that is not the standard library
            file = frame.f_code.co_filename
            if file.startswith((VENV, ROOT)):
                if not file.startswith(VENV):
                    seen.append(f"{file}:{frame.f_lineno}: {event} {args[0]}")
                return
            frame = frame.f_back

    sys.path.insert(0, sys.argv[1])
    sys.addaudithook(watch)
    for name in sys.argv[2:]:
        importlib.import_module(name)
    print("\\n".join(seen))
    sys.exit(bool(seen))
    """
)


def watched_import(home: Path, *modules: str) -> subprocess.CompletedProcess[str]:
    """Import modules in a fresh process and report what our own code did to files, databases, network or processes."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", WATCHED_IMPORT, str(ROOT), *modules],
        cwd=home, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_importing_any_module_leaves_no_trace(tmp_path: Path) -> None:
    """No file, database, connection or process by us; and a home that stays empty, whoever is imported along."""
    modules = [
        named(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in SOURCES
        if path.name != "__main__.py" and path.relative_to(ROOT).parts[0] != "migrations"
    ]

    result = watched_import(tmp_path, *modules)

    assert result.returncode == 0, result.stdout + result.stderr
    assert list(tmp_path.rglob("*")) == []


def test_a_module_that_leaves_a_trace_is_caught(tmp_path: Path) -> None:
    home, room = tmp_path / "home", tmp_path / "room"
    home.mkdir()
    room.mkdir()
    (room / "noisy.py").write_text("open('trace.txt', 'w').close()", encoding="utf-8")
    program = WATCHED_IMPORT.replace("ROOT, VENV", f"sys.argv[1] = {str(room)!r}; ROOT, VENV", 1)

    result = subprocess.run(
        [sys.executable, "-c", program, "", "noisy"], cwd=home, capture_output=True, text=True, check=False
    )

    assert result.returncode == 1, result.stderr
    assert "noisy.py:1: open trace.txt" in result.stdout


def test_onnx_runtime_sends_no_telemetry(tmp_path: Path) -> None:
    """Its official builds report to their maker unless a variable is set before they load; whoever loads it is ours."""
    program = (
        "import classifiers.catalog, os, sys; print('onnxruntime' in sys.modules, os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.stdout.split() == ["True", "1"], result.stderr


@pytest.mark.slow
def test_types_hold() -> None:
    result = subprocess.run([BIN / "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
