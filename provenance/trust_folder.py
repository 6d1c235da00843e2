"""The trust packs of a house: one file each in a folder, taken up when they change. Asks no network.

Where packs are pinned, only those count, and each must have the pinned digest: whoever can write the folder cannot
widen what is believed. Without pins every pack in the folder counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from media.durable import publish
from provenance.base import TrustPackError
from provenance.trust_pack import MAX_PACK_BYTES, TrustPack, pack_from_json, pack_json

MAX_PACKS = 12
"""Packs in force: a file that one of them trusts is read once for each, to say by which."""

SUFFIX = ".json"


@dataclass(frozen=True)
class TrustFolder:
    """Keeps packs, and says which are in force."""

    path: Path
    pins: Mapping[str, str] = field(default_factory=dict)
    """Name -> digest of the packs that count; empty: all."""

    def packs(self) -> tuple[TrustPack, ...]:
        """Return the packs in force, by name.

        Raises:
            TrustPackError: a pack is damaged, was changed, or is pinned and not there; there are too many.
        """
        found = {name: self.get(name) for name in self.names()}
        for name, digest in self.pins.items():
            if name not in found:
                raise TrustPackError(f"the trust pack {name} is pinned and is not in {self.path}: add it, or unpin it")
            if found[name].digest != digest:
                raise TrustPackError(
                    f"the trust pack {name} is {found[name].digest}, but it is pinned to {digest}: "
                    "put back the right one, or pin the new one after a look at `framegate trust show`"
                )
        in_force = tuple(pack for name, pack in found.items() if not self.pins or name in self.pins)
        if len(in_force) > MAX_PACKS:
            raise TrustPackError(
                f"{len(in_force)} trust packs are in force; the limit is {MAX_PACKS}: remove or merge some"
            )
        return in_force

    def names(self) -> list[str]:
        """Return the names of the packs that are there, in force or not.

        Raises:
            TrustPackError: the folder cannot be read.
        """
        try:
            return sorted(each.name.removesuffix(SUFFIX) for each in self.path.glob(f"[a-z0-9]*{SUFFIX}"))
        except OSError as error:
            raise TrustPackError(f"the trust packs in {self.path} cannot be listed: {error.strerror}") from error

    def get(self, name: str) -> TrustPack:
        """Return one pack.

        Raises:
            TrustPackError: there is none, or it is damaged or was changed.
        """
        if name not in self.names():
            raise TrustPackError(f"there is no trust pack {name!r} in {self.path}")
        path = self._file(name)
        try:
            with path.open("rb") as file:
                text = file.read(2 * MAX_PACK_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise TrustPackError(f"the trust pack {path} cannot be read: {error}") from error
        pack = pack_from_json(text, path.name)
        if pack.name != name:
            raise TrustPackError(f"the trust pack {path.name} names itself {pack.name!r}: a file bears its pack's name")
        return pack

    def may_add(self, pack: TrustPack, *, replace: bool = False) -> None:
        """Raise TrustPackError where one of this name is there, or there are too many."""
        names = self.names()
        if pack.name in names and not replace:
            raise TrustPackError(
                f"there is a trust pack {pack.name} already: replace it with --replace, or take another name"
            )
        if pack.name not in names and len(names) >= MAX_PACKS and not self.pins:
            raise TrustPackError(f"there are {len(names)} trust packs; the limit is {MAX_PACKS}: remove or merge some")

    def add(self, pack: TrustPack, *, replace: bool = False) -> None:
        """Keep a pack; with `replace` instead of the one of this name.

        Raises:
            TrustPackError: as `may_add`, or the disk refused.
        """
        self.may_add(pack, replace=replace)
        draft = self.path / f".{pack.name}.{os.getpid()}.part"
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_text(pack_json(pack), encoding="utf-8")
            publish(draft, self._file(pack.name))
        except OSError as error:
            raise TrustPackError(
                f"the trust pack {pack.name} cannot be kept in {self.path}: {error.strerror}"
            ) from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def may_remove(self, name: str) -> None:
        """Raise TrustPackError where there is none of this name, or it is pinned."""
        if name not in self.names():
            raise TrustPackError(f"there is no trust pack {name!r} in {self.path}")
        if name in self.pins:
            raise TrustPackError(f"the trust pack {name} is pinned: take it out of FRAMEGATE_TRUST_PINS first")

    def remove(self, name: str) -> None:
        """Believe a pack no longer; a damaged one can be removed too.

        Raises:
            TrustPackError: as `may_remove`, or the disk refused.
        """
        self.may_remove(name)
        try:
            self._file(name).unlink()
        except OSError as error:
            raise TrustPackError(f"the trust pack {name} cannot be removed: {error.strerror}") from error

    def _file(self, name: str) -> Path:
        return self.path / f"{name}{SUFFIX}"
