"""Refuses to run when another distribution owns one of our import packages. Changes nothing on disk.

The names `safety`, `classifiers`, `provenance`, `api` … are generic. An installer overwrites files of the same name
without a word, and the mixture that is left may import, and judge, with half of somebody else's code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions

DISTRIBUTION = "framegate"

PACKAGES = ("api", "safety", "classifiers", "provenance", "generator", "media", "migrations")
"""Every top-level name that the framegate wheel installs."""


class ForeignPackageError(Exception):
    """Another installed distribution owns an import package of framegate."""


def refuse_foreign_packages(owners: Mapping[str, Sequence[str]] | None = None) -> None:
    """Return only if no distribution but framegate owns our import packages.

    A checkout that is not installed has no owner at all, which is fine.

    Args:
        owners: distributions by import package; None reads the running environment.

    Raises:
        ForeignPackageError: with every package and the distributions that claim it.
    """
    found = _owners() if owners is None else owners
    foreign = {package: sorted({name for name in found.get(package, ()) if not _is_ours(name)}) for package in PACKAGES}
    claims = [f"{package!r} by {', '.join(names)}" for package, names in foreign.items() if names]
    if claims:
        raise ForeignPackageError(
            f"other distributions own packages of framegate: {'; '.join(claims)}. Their files may have replaced ours: "
            "install framegate in an environment of its own (README, Install) and reinstall it"
        )


def _is_ours(distribution: str) -> bool:
    # Names compare as the packaging specification normalises them.
    return re.sub(r"[-_.]+", "-", distribution).lower() == DISTRIBUTION


def _owners() -> dict[str, list[str]]:
    """Who installed packages of our names here; `packages_distributions` would parse every line of every RECORD."""
    found: dict[str, list[str]] = {}
    for distribution in distributions():
        lines = distribution.read_text("top_level.txt") or distribution.read_text("RECORD") or ""
        tops = {line.partition(",")[0].partition("/")[0].strip() for line in lines.splitlines()}
        for package in PACKAGES:
            if package in tops or f"{package}.py" in tops:
                found.setdefault(package, []).append(distribution.name)
    return found
