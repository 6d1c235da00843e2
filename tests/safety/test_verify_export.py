"""The one file that an auditor runs finds whatever was done to an export, and is quiet about everything else."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from safety import verify_export
from safety.checkpoints import LogKey
from safety.database import migrate, open_engine
from safety.errors import Conflict, LedgerError
from safety.ledger import Ledger
from safety.ledger_export import export_ledger
from safety.proofs import prove_entry, prove_growth
from safety.verify_export import Export, Key, signature_fits
from tests.safety.making import a_decision
from tests.tampering import KINDS, attempt

SIZE = 47
"""Entries of the ledger below; checkpoints at 10, 20, 30, 40 and, with the export, at 47."""

TRIALS = 12
"""Random places of each kind of change; `benchmarks/tampering.py` tries a thousand."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Path]]:
    folder = tmp_path_factory.mktemp("exported")
    engine = open_engine(f"sqlite:///{folder}/ledger.db")
    migrate(engine)
    with Ledger(engine, LogKey.create(folder / "log.key", "framegate.test/ledger"), checkpoint_every=10) as ledger:
        for number in range(SIZE):
            ledger.append_decision(a_decision(number))
        export_ledger(ledger, folder / "export")
        yield ledger, folder / "export"
    engine.dispose()


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The verifier as an auditor has it: a file beside the export, no package of ours in reach."""
    command = [sys.executable, "-I", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def test_an_untouched_export_holds_without_any_of_our_packages(exported: tuple[Ledger, Path]) -> None:
    ledger, folder = exported
    done = run(folder / "verify_export.py", folder, "--key", ledger.public_key.text)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{SIZE} entries: everything holds\n", "")


def test_another_key_or_another_ledgers_note_does_not_hold(exported: tuple[Ledger, Path], tmp_path: Path) -> None:
    ledger, folder = exported
    other = LogKey.create(tmp_path / "other.key", ledger.public_key.name)
    assert run(folder / "verify_export.py", folder, "--key", other.public.text).returncode == 1

    done = run(folder / "verify_export.py", folder, "--key", "nonsense")
    assert done.returncode == 2
    assert "--key" in done.stderr


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_falsification_is_found_and_named(kind, exported: tuple[Ledger, Path], tmp_path: Path) -> None:
    chance = random.Random(kind.__name__)
    for trial in range(TRIALS):
        named, problems = attempt(kind, exported[1], tmp_path / str(trial), chance)
        assert named, problems


def test_no_false_alarm_at_any_size(exported: tuple[Ledger, Path], tmp_path: Path) -> None:
    """Exports of the same ledger as it grew, each verified with every older checkpoint as a kept note."""
    source, old = exported
    keys = [Key.parse(source.public_key.text)]
    notes = [json.loads(line)["note"] for line in (old / "checkpoints.jsonl").read_text().splitlines()]
    for number in range(len(notes)):
        export = Export(old, keys, {f"note {n}": note for n, note in enumerate(notes[: number + 1])}, [])
        assert export.verify(), export.problems


def test_an_export_goes_on_where_it_was_cut_off(exported: tuple[Ledger, Path], tmp_path: Path) -> None:
    ledger, whole = exported
    folder = tmp_path / "export"
    export_ledger(ledger, folder)
    for lines, leaves in ((1000, 32 * 5 + 7), (10**6, 32 * 3), (0, 0), (5000, 0)):
        for name, size in (("entries.jsonl", lines), ("leaves.bin", leaves)):
            data = (folder / name).read_bytes()
            (folder / name).write_bytes(data[:size])

        done = export_ledger(ledger, folder)

        assert done.added == SIZE - min(leaves // 32, (whole / "entries.jsonl").read_bytes()[:lines].count(b"\n"))
        for name in ("entries.jsonl", "leaves.bin", "checkpoints.jsonl", "key.txt", "verify_export.py"):
            assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_an_export_of_another_ledger_is_not_gone_on_with(exported: tuple[Ledger, Path], tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/other.db")
    migrate(engine)
    with Ledger(engine, LogKey.create(tmp_path / "other.key", "other.test/ledger")) as other:
        for number in range(3):
            other.append_decision(a_decision(100 + number))
        export_ledger(other, tmp_path / "export")
    engine.dispose()
    before = (tmp_path / "export" / "entries.jsonl").read_bytes()

    with pytest.raises(Conflict, match="another ledger"):
        export_ledger(exported[0], tmp_path / "export")

    assert (tmp_path / "export" / "entries.jsonl").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_an_error(exported: tuple[Ledger, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot be written"):
        export_ledger(exported[0], tmp_path / "file")


def test_proofs_hold_for_what_they_are_about(exported: tuple[Ledger, Path], tmp_path: Path) -> None:
    ledger, folder = exported
    key = ledger.public_key
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(prove_entry(ledger, "dec_5", key).to_json()))
    done = run(folder / "verify_export.py", proof, "--key", key.text, "--id", "dec_5")
    assert done.returncode == 0
    assert done.stdout.startswith("holds: decision dec_5 of 2025-03-01T12:00:05.000000Z is entry 5 of the log of 47")
    assert run(folder / "verify_export.py", proof, "--key", key.text, "--id", "dec_6").returncode == 1

    forged = json.loads(proof.read_text())
    proof.write_text(json.dumps(forged | {"entry": forged["entry"].replace("allow", "block")}))
    assert run(folder / "verify_export.py", proof, "--key", key.text).returncode == 1

    note = json.loads((folder / "checkpoints.jsonl").read_text().splitlines()[1])["note"]
    proof.write_text(json.dumps(growth := prove_growth(ledger, note, key).to_json()))
    assert "begins with the log of 20 entries" in run(folder / "verify_export.py", proof, "--key", key.text).stdout
    proof.write_text(json.dumps(growth | {"path": growth["path"][1:]}))
    assert run(folder / "verify_export.py", proof, "--key", key.text).returncode == 1


def test_a_witness_is_asked_for_and_its_cosignature_checked(exported: tuple[Ledger, Path]) -> None:
    ledger, folder = exported
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    witness = Key("witness.test", verify_export.COSIGNATURE, private.public_key().public_bytes_raw())
    log = Key.parse(ledger.public_key.text)
    note = ledger.checkpoint()
    text = note.rpartition("\n\n")[0] + "\n"
    time = (1_760_000_000).to_bytes(8, "big")
    signed = witness.id + time + private.sign(f"cosignature/v1\ntime 1760000000\n{text}".encode())
    import base64

    cosigned = f"{note}— witness.test {base64.b64encode(signed).decode()}\n"

    assert verify_export.read_note(cosigned, [log, witness])[2] == {log, witness}
    assert verify_export.read_note(cosigned, [log])[2] == {log}
    later = witness.id + (1_760_000_001).to_bytes(8, "big") + signed[12:]
    with pytest.raises(verify_export.Wrong, match=r"witness.test does not fit"):
        verify_export.read_note(f"{note}— witness.test {base64.b64encode(later).decode()}\n", [log, witness])
    export = Export(folder, [log], {}, [witness])
    assert not export.verify()
    assert export.problems == ["newest checkpoint: no cosignature by the witness witness.test"]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
@settings(max_examples=25, deadline=None)
def test_signatures_fit_exactly_where_the_library_says_so(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    broken = bytearray(signature)
    broken[bit // 8] ^= 1 << bit % 8

    assert signature_fits(key, message, signature)
    assert not signature_fits(key, message, bytes(broken))
    assert not signature_fits(key, message + b"x", signature)
