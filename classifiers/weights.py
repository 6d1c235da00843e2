"""Finds weights and refuses the wrong ones: every file is pinned by its SHA-256 and read from disk only."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from classifiers.base import WeightsError

EMBEDDED = Path(__file__).parent / "weights"
"""Weights that ship with framegate."""


def embedded(relative: str, sha256: str, root: Path | None = None) -> Path:
    """Return the path of a shipped weights file after checking its digest; `root`: another folder, for tests.

    Raises:
        WeightsError: missing, or not the pinned file.
    """
    return pinned((root or EMBEDDED) / relative, sha256)


def from_package(package: str, relative: str, sha256: str) -> Path:
    """Return a weights file that an installed package carries, without importing the package.

    Raises:
        WeightsError: the package is not installed, or its file is not the pinned one.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"package {package!r} is not installed; it carries {relative}: install it, see README")
    return pinned(Path(spec.submodule_search_locations[0]) / relative, sha256)


@cache
def pinned(path: Path, sha256: str) -> Path:
    """Return `path` if its content has this SHA-256 (hex).

    Raises:
        WeightsError: missing, unreadable or altered.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"weights {path.name} cannot be read at {path}: {error.strerror}") from error
    if found != sha256:
        raise WeightsError(
            f"weights {path.name} have SHA-256 {found}, pinned is {sha256}: "
            "the file was altered or is of another version; reinstall framegate"
        )
    return path


def version_of(*parts: str) -> str:
    """Return 16 hex digits that name a classifier's version: weights digests first, then every setting that counts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
