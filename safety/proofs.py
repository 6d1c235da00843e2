"""Proofs for people outside: that one entry stands under a signed checkpoint, and that the log only grew.

They verify with a public key and nothing else of ours, by RFC 9162 and C2SP. `safety.audit` checks all.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from safety.checkpoints import LogPublicKey, verify_checkpoint
from safety.errors import LedgerError, NotFound
from safety.lookup import LedgerReader
from safety.lookup.tree import StoredTree
from safety.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)


@dataclass(frozen=True)
class InclusionProof:
    """Shows that `body` is entry `position` of the log that `checkpoint` was signed for."""

    position: int
    body: bytes
    path: tuple[bytes, ...]
    """Audit path, leaf side first, 32 bytes each."""

    checkpoint: str
    """Signed note."""

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values, for `verify_export.py`."""
        path = [base64.b64encode(step).decode() for step in self.path]
        return {"position": self.position, "entry": self.body.decode(), "path": path, "checkpoint": self.checkpoint}

    def holds(self, *publics: LogPublicKey) -> bool:
        """Say whether it proves what it says, to someone who trusts these keys."""
        try:
            size, root = verify_checkpoint(self.checkpoint, *publics)
        except LedgerError:
            return False
        return verify_inclusion(leaf_hash(self.body), self.position, size, self.path, root)


@dataclass(frozen=True)
class GrowthProof:
    """Shows that the log of `newer` begins with the log of `older`, unchanged."""

    older: str
    newer: str
    path: tuple[bytes, ...]

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values, for `verify_export.py`."""
        path = [base64.b64encode(step).decode() for step in self.path]
        return {"older": self.older, "path": path, "checkpoint": self.newer}

    def holds(self, *publics: LogPublicKey) -> bool:
        """Say whether it proves what it says, to someone who trusts these keys."""
        try:
            old, new = verify_checkpoint(self.older, *publics), verify_checkpoint(self.newer, *publics)
        except LedgerError:
            return False
        return verify_consistency(old.size, new.size, old.root, new.root, self.path)


def prove_entry(reader: LedgerReader, id_: str, *publics: LogPublicKey) -> InclusionProof:
    """Prove that an entry (a Decision, a Release, an event) is in the ledger.

    Raises:
        NotFound: there is no entry with this id.
        LedgerError: no checkpoint covers it yet, or the stored leaves do not fit the checkpoint.
    """
    with reader.tree() as tree:
        found = tree.entry(id_)
        if found is None:
            raise NotFound(f"the ledger has no entry {id_!r}")
        position, body = found
        checkpoint, size = _latest(tree, *publics)
        if size <= position:
            raise LedgerError(f"no checkpoint covers {id_} yet: make one with `framegate ledger checkpoint`")
        tree.fetch(position, size)
        path = tuple(inclusion_proof(position, size, tree.range_root))
    proof = InclusionProof(position, body, path, checkpoint)
    if not proof.holds(*publics):
        raise LedgerError(f"entry {id_} does not stand under the checkpoint: run `framegate ledger verify`")
    return proof


def growth_path(reader: LedgerReader, old: int, *publics: LogPublicKey) -> tuple[str, tuple[bytes, ...]]:
    """Return the newest checkpoint, and the path that leads to it from the log's first `old` entries (RFC 9162).

    Whoever has a checkpoint of that size verifies the path with its root; so witnesses follow the log.

    Raises:
        LedgerError: there is no checkpoint, or the newest covers fewer entries.
    """
    with reader.tree() as tree:
        newer, size = _latest(tree, *publics)
        if old > size:
            raise LedgerError(f"the newest checkpoint covers {size} entries, not {old}: make a checkpoint")
        tree.fetch(old, size)
        return newer, tuple(consistency_proof(old, size, tree.range_root))


def prove_growth(reader: LedgerReader, older: str, *publics: LogPublicKey) -> GrowthProof:
    """Prove that the ledger only grew since a checkpoint that somebody kept.

    Raises:
        LedgerError: the note is not ours, or the ledger does not begin with the log it was signed for.
    """
    old = verify_checkpoint(older, *publics)
    with reader.tree() as tree:
        newer, size = _latest(tree, *publics)
        if old.size > size:
            raise LedgerError(f"the note covers {old.size} entries and the newest checkpoint {size}: make a checkpoint")
        tree.fetch(old.size, size)
        proof = GrowthProof(older, newer, tuple(consistency_proof(old.size, size, tree.range_root)))
    if not proof.holds(*publics):
        raise LedgerError("the ledger does not begin with the log of that note: run `framegate ledger verify`")
    return proof


def _latest(tree: StoredTree, *publics: LogPublicKey) -> tuple[str, int]:
    checkpoint = tree.newest_note()
    if checkpoint is None:
        raise LedgerError("there is no checkpoint yet: make one with `framegate ledger checkpoint`")
    return checkpoint, verify_checkpoint(checkpoint, *publics).size
