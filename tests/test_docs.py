"""The documents cannot rot: what exists is described, what is described exists, and the quick start runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], key=lambda path: (len(path.parts), str(path)))

WORDS = (
    "Prompt", "Storyboard", "Session", "Clip", "Job", "Checkpoint", "Gate", "Signal", "Classifier", "Score", "Span",
    "Segment", "Coverage", "Category", "Threshold", "Rule", "Remedy", "Modifier", "Policy", "Trial", "Finding", "Still",
    "Evidence", "Severity", "Verdict", "Decision", "Ledger", "Hold", "Reviewer", "Consent", "Subject", "Appeal",
    "Manifest", "Credential", "SoftBinding", "Release", "Withdrawal", "Origin",
)  # fmt: skip
"""The words of the house, in the order in which things happen."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


def test_the_glossary_has_every_word_in_the_order_things_happen() -> None:
    assert tuple(re.findall(r"^- \*\*(\w+)\*\*: ", text("docs/glossary.md"), re.M)) == WORDS


def test_the_types_of_the_domain_are_words_of_the_glossary() -> None:
    from safety import domain

    # Companions of a word, explained at that word.
    companions = {"Action", "Actor", "Coverage", "JobStatus", "Measurement", "OriginEvidence", "OriginReport"}
    companions |= {"Strength", "TextSpan", "TimeSpan", "Unmeasured", "ModifierInForce", "Tier", "Task", "Reference"}

    assert set(domain.__all__) - companions <= set(WORDS)


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]

    assert dead == []


def test_files_that_the_documents_name_exist() -> None:
    named = set(
        re.findall(
            r"`((?:safety|classifiers|provenance|generator|media|api|tests|scripts|docs)/[\w./-]+)`", everything()
        )
    )
    missing = sorted(name for name in named if not (ROOT / name.split("::")[0]).exists())

    assert len(named) > 15
    assert missing == []


def test_every_setting_is_described_and_no_other() -> None:
    from api.settings import Settings

    described = set(re.findall(r"^\| `(FRAMEGATE_[A-Z_]+)` \|", text("docs/operations.md"), re.M))

    assert described == {f"FRAMEGATE_{name.upper()}" for name in Settings.model_fields}


def test_defaults_of_settings_are_as_described() -> None:
    from api.settings import Settings

    rows = dict(re.findall(r"^\| `FRAMEGATE_([A-Z_]+)` \| `?([^`|]+?)`? \|", text("docs/operations.md"), re.M))
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    defaults["HOME"] = "~/.framegate"
    told = {name: "empty" if value in (None, "") else _plain(value) for name, value in defaults.items()}

    assert rows == told


def _plain(value: Any) -> str:
    return (
        f"{value:g}"
        if isinstance(value, float) and value < 1e5
        else str(int(value) if isinstance(value, float) else value)
    )


def test_settings_that_the_documents_name_exist() -> None:
    from api.settings import Settings

    known = {f"FRAMEGATE_{name.upper()}" for name in Settings.model_fields}

    assert {name for name in re.findall(r"\bFRAMEGATE_[A-Z_]+[A-Z]\b", everything()) if name not in known} == set()


def commands() -> dict[str, Any]:
    """Every command of the command line with its click object, groups included: `ledger verify`."""
    import typer

    from api.cli import app

    found: dict[str, Any] = {}

    def walk(prefix: str, group: Any) -> None:
        for name in group.list_commands(None):
            found[f"{prefix}{name}"] = command = group.get_command(None, name)
            if hasattr(command, "list_commands"):
                walk(f"{prefix}{name} ", command)

    walk("", typer.main.get_command(app))
    return found


def test_every_command_is_described() -> None:
    documents = everything()
    missing = [name for name in commands() if not _described(name, documents)]

    assert missing == []


def _described(command: str, documents: str) -> bool:
    first, *rest = command.split()
    if rest:  # `framegate ledger list | show | verify`
        return bool(re.search(rf"framegate {first} [^`\n]*\b{rest[0]}\b", documents))
    return bool(re.search(rf"framegate (?:[\w`· |]*[\s`])?{first}\b", documents))


def test_commands_that_the_documents_name_exist() -> None:
    from api.settings import Settings

    known = commands()
    groups = {name.split()[0] for name in known if " " in name}
    unknown = set()
    code = "\n".join(line for line in _code(everything()) if line != Settings.model_fields["provider"].default)
    for first, second in re.findall(r"framegate ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?", code):
        if first not in known:
            unknown.add(first)
        elif first in groups and second and f"{first} {second}" not in known:
            unknown.add(f"{first} {second}")

    assert unknown == set()


def test_options_that_the_documents_name_exist() -> None:
    known = commands()
    unknown = set()
    for line in _code(everything()):
        called = re.match(r"(?:\$ )?(?:FRAMEGATE_\w+=\S+ )?framegate ([a-z-]+)(?: ([a-z-]+))?(.*)", line)
        if called is None or called[1] not in known:
            continue
        name = f"{called[1]} {called[2]}" if f"{called[1]} {called[2]}" in known else called[1]
        options = {
            option for parameter in known[name].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        rest = called[3].split("#")[0].split("|")[0]
        unknown |= {f"{name} {option}" for option in re.findall(r"(?<!\S)--[a-z-]+", rest) if option not in options}

    assert unknown == set()


def _code(document: str) -> list[str]:
    """What stands in code: lines of fenced blocks, and inline spans."""
    blocks = re.findall(r"^\s*```\w*\n(.*?)^\s*```", document, re.M | re.S)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^\s*```\w*\n.*?^\s*```", "", document, flags=re.M | re.S))
    return [line.strip() for block in blocks for line in block.splitlines()] + inline


def test_every_category_of_the_policy_is_described() -> None:
    policy = tomllib.loads(text("safety/policies/default.toml"))
    described = set(re.findall(r"^\| `(\w+)` \|", text("docs/categories.md"), re.M))

    assert set(policy["categories"]) <= described
    assert len(policy["categories"]) >= 17


def test_every_signal_is_described_and_no_other() -> None:
    from classifiers.catalog import known_signals
    from safety.banks import KNOWN_CONTENT
    from safety.consent import LIKENESS_SIGNALS, REGISTERED
    from safety.known_people import KNOWN as KNOWN_PERSON
    from safety.known_people import PERSON_SIGNALS
    from safety.measure import ORIGIN_SIGNALS
    from safety.session import SESSION_SIGNALS

    known = known_signals() | ORIGIN_SIGNALS | SESSION_SIGNALS | LIKENESS_SIGNALS | {REGISTERED, KNOWN_CONTENT}
    known |= PERSON_SIGNALS | {KNOWN_PERSON}
    sisters = {f"{way}.{signal}" for signal in known_signals(accepts=str) for way in ("frame", "audio")}
    table = text("docs/categories.md").split("## Always unmeasured")[0]
    described = set(re.findall(r"^\| `(\w+\.\w[\w.]*)` \|", table, re.M))

    assert described == known - sisters
    assert sisters <= known, "the documents promise a sister in frames and in speech for every signal of text"


def test_every_gap_of_the_policy_is_described_and_no_other() -> None:
    policy = tomllib.loads(text("safety/policies/default.toml"))
    table = text("docs/categories.md").split("## Always unmeasured")[1]

    assert set(re.findall(r"^\| `([\w.]+)` \|", table, re.M)) == {gap["signal"] for gap in policy["gaps"]}


def test_every_classifier_has_a_card() -> None:
    """`# name — signals` heads its card."""
    from classifiers.catalog import BUILT_IN

    cards = [path.read_text(encoding="utf-8") for path in (ROOT / "docs/cards").glob("*.md")]
    titles = {found[1] for card in cards if (found := re.match(r"# `?(\w+)`?", card))}

    assert {row.name for row in BUILT_IN} - titles == set()


def test_every_problem_is_described_and_no_other() -> None:
    from api.errors import PROBLEMS

    described = set(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \| (\d) \|", text("docs/api.md"), re.M))

    assert described == {(each.slug, str(each.status), str(each.exit_code)) for each in PROBLEMS.values()}


def test_every_exit_code_is_described() -> None:
    from api.terminal import Exit

    assert {int(code) for code in re.findall(r"^\| (\d) \|", text("README.md"), re.M)} == {int(code) for code in Exit}


def test_every_route_is_described_and_no_other() -> None:
    from api.app import create_app

    described = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*)`", text("docs/api.md")))
    served = {
        f"{method} {route.path}"
        for route in create_app().routes
        for method in getattr(route, "methods", None) or ()
        if method not in {"HEAD", "OPTIONS"}
    }

    assert described == served


def test_the_readme_is_one_page() -> None:
    assert len(text("README.md").splitlines()) <= 160


def test_documents_name_no_machine_and_no_registry() -> None:
    named = re.compile(
        r"/(?:work|root|opt/wheels|opt/pypi)\b/|pypi\.org|pythonhosted|registry\.npmjs|download\.pytorch"
    )

    assert [str(path.relative_to(ROOT)) for path in DOCUMENTS if named.search(path.read_text("utf-8"))] == []


def quick_start(language: str) -> str:
    block = re.search(rf"<!-- executed by tests/test_docs.py -->\n```{language}\n(.*?)```", text("README.md"), re.S)
    if block is None:
        raise LookupError(f"README has no executed {language} block")
    return block[1]


@pytest.fixture
def newcomer(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has just installed framegate: a command on PATH, an empty home."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "framegate"
    command.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sys; from api.cli import main; sys.exit(main())" "$@"\n',
        encoding="utf-8",
    )
    command.chmod(0o755)
    (tmp_path / "here").mkdir()
    return {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "FRAMEGATE_HOME": str(tmp_path / "framegate"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_quick_start_runs_as_printed(newcomer: dict[str, str]) -> None:
    here = Path(newcomer["HOME"]) / "here"
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", quick_start("sh")],
        cwd=here, env=newcomer, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout + result.stderr
    assert (here / "ball.mp4").stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_library_example_runs_as_printed(newcomer: dict[str, str]) -> None:
    here = Path(newcomer["HOME"]) / "here"
    _film(here / "raw.mp4")
    result = subprocess.run(
        [sys.executable, "-c", quick_start("python")],
        cwd=here,
        env=newcomer,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^allow$", result.stdout, re.M)
    assert "released" in result.stdout
    assert (here / "released.mp4").stat().st_size > 1000


def _film(path: Path) -> None:
    """A second of a real photograph under a slow pan, large enough to carry a mark beside the label."""
    import cv2
    import numpy as np
    from skimage import data

    from media.codec import encode_mp4

    photo = cv2.resize(np.ascontiguousarray(data.rocket()), (1280 + 24, 720))
    encode_mp4((photo[:, step : step + 1280] for step in range(24)), path, fps=24.0, crf=18)
