"""Nobody else may own the import packages that judge content."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.ownership import PACKAGES, ForeignPackageError, refuse_foreign_packages


def test_an_environment_of_our_own_is_accepted() -> None:
    refuse_foreign_packages({package: ["framegate"] for package in PACKAGES} | {"numpy": ["numpy"]})


def test_a_checkout_that_is_not_installed_is_accepted() -> None:
    refuse_foreign_packages({"numpy": ["numpy"]})


def test_an_editable_install_listed_twice_is_accepted() -> None:
    refuse_foreign_packages({"safety": ["framegate", "FrameGate"]})


@pytest.mark.parametrize("package", PACKAGES)
def test_a_second_owner_of_any_package_is_refused_by_name(package: str) -> None:
    with pytest.raises(ForeignPackageError) as refusal:
        refuse_foreign_packages({package: ["framegate", "somebody-elses"]})

    assert repr(package) in str(refusal.value)
    assert "somebody-elses" in str(refusal.value)


def test_a_foreign_owner_alone_is_refused_too() -> None:
    """After an uninstall of ours the other one is still there."""
    with pytest.raises(ForeignPackageError, match="safety"):
        refuse_foreign_packages({"safety": ["safety"]})


def test_all_claims_are_named_at_once() -> None:
    with pytest.raises(ForeignPackageError, match=r"'safety' by a; 'provenance' by b, c"):
        refuse_foreign_packages({"safety": ["a"], "provenance": ["c", "framegate", "b"]})


def test_this_environment_is_ours() -> None:
    refuse_foreign_packages()


FOREIGN = (
    ("old-style", "top_level.txt", "safety\n"),
    ("wheel", "RECORD", "media/__init__.py,,\n"),
    ("module", "RECORD", "safety.py,sha256=x,1\n"),
)


def test_an_installed_package_of_our_name_is_found_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file, line in FOREIGN:
        (metadata := tmp_path / f"{name}-1.0.dist-info").mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / file).write_text(line)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ForeignPackageError, match=r"'safety' by module, old-style; 'media' by wheel"):
        refuse_foreign_packages()
