"""Cosignatures by known witnesses stand under their checkpoint and in exports; all others are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from safety.audit import verify
from safety.checkpoints import LogKey, sign_checkpoint
from safety.cosignatures import Cosignatures, WitnessKey
from safety.errors import Conflict, InvalidContent, LedgerError, NotFound
from safety.ledger import Ledger
from safety.ledger_export import export_ledger
from tests.safety.making import a_decision
from tests.witness import Witness

ADA, BOB = Witness("ada.example/witness", b"a" * 32), Witness("bob.example/witness", b"b" * 32)


@pytest.fixture
def desk(ledger: Ledger) -> Cosignatures:
    keys = [WitnessKey.parse(each.public) for each in (ADA, BOB)]
    return Cosignatures(ledger.engine, [ledger.public_key], keys)


def test_a_cosignature_stands_under_its_checkpoint_and_in_an_export(
    ledger: Ledger, desk: Cosignatures, tmp_path: Path
) -> None:
    ledger.append_decision(a_decision())
    note = ledger.checkpoint()

    assert desk.accept(ADA.cosign(BOB.cosign(note))) == [BOB.name, ADA.name]
    assert desk.accept(ADA.cosign(note, 1_800_000_000)) == [ADA.name]  # the first one stands

    cosigned = ledger.latest_checkpoint()
    assert cosigned == BOB.cosign(ADA.cosign(note))
    assert verify(ledger.engine, ledger.public_key, notes=[cosigned]).ok
    export_ledger(ledger, tmp_path / "out")
    check = [
        sys.executable,
        str(tmp_path / "out/verify_export.py"),
        str(tmp_path / "out"),
        "--key",
        ledger.public_key.text,
    ]
    for witness, code in ((ADA, 0), (Witness("eve.example/witness", b"e" * 32), 1)):
        done = subprocess.run([*check, "--witness", witness.public], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout


def test_what_does_not_fit_is_refused(ledger: Ledger, desk: Cosignatures, tmp_path: Path) -> None:
    ledger.append_decision(a_decision())
    old = ledger.checkpoint()
    ledger.append_decision(a_decision(1))
    new = ledger.checkpoint()
    moved = new + ADA.cosign(old).removeprefix(old)
    eve = Witness("eve.example/witness", b"e" * 32)
    imposter = Witness(ADA.name, b"x" * 32)
    other_log = LogKey.create(tmp_path / "other.key", ledger.public_key.name)
    foreign = sign_checkpoint(2, b"r" * 32, other_log)

    with pytest.raises(InvalidContent, match="does not fit"):
        desk.accept(moved)
    for note in (new, eve.cosign(new), imposter.cosign(new)):
        with pytest.raises(Conflict, match="known"):
            desk.accept(note)
    for note in ("", foreign, new.replace("\n2\n", "\n3\n"), ADA.cosign(new)[:-3]):
        with pytest.raises(InvalidContent):
            desk.accept(note)
    assert ledger.latest_checkpoint() == new


def test_a_checkpoint_that_was_never_stored_is_not_found(ledger: Ledger, desk: Cosignatures, log_key: LogKey) -> None:
    with pytest.raises(NotFound, match="7 entries"):
        desk.accept(ADA.cosign(sign_checkpoint(7, b"r" * 32, log_key)))


@pytest.mark.parametrize("text", ["", "ada", "ada+00000000+", ADA.public[:-4], ADA.public.replace("+", "+0", 1)])
def test_keys_of_witnesses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(LedgerError, match="copy it again"):
        WitnessKey.parse(text)


def test_a_key_of_a_log_is_no_key_of_a_witness(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="type 4"):
        WitnessKey.parse(ledger.public_key.text)
