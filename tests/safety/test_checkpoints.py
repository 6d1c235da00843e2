"""Checkpoints are signed notes that other tools verify, and nothing else passes for one."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from safety.checkpoints import LogKey, LogPublicKey, sign_checkpoint, sign_note, verify_checkpoint, verify_note
from safety.errors import LedgerError
from safety.merkle import EMPTY_ROOT, leaf_hash

# Key and note from the test suite of the reference implementation, golang.org/x/mod/sumdb/note.
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
GO_NOTE = f"{GO_TEXT}\n{GO_SIGNATURE}"

ROOT = leaf_hash(b"something")


@pytest.fixture
def go_key(tmp_path: Path) -> LogKey:
    path = tmp_path / "go.key"
    path.touch(mode=0o600)
    path.write_text(GO_PRIVATE + "\n")
    return LogKey.load(path)


def test_a_note_of_the_reference_implementation_verifies() -> None:
    public = LogPublicKey.parse(GO_PUBLIC)

    assert verify_note(GO_NOTE, public) == (GO_TEXT, public)


def test_we_sign_byte_for_byte_as_the_reference_implementation(go_key: LogKey) -> None:
    assert sign_note(GO_TEXT, go_key) == GO_NOTE
    assert go_key.public.text == GO_PUBLIC


def test_a_checkpoint_has_the_lines_that_c2sp_asks_for(log_key: LogKey) -> None:
    note = sign_checkpoint(20852163, ROOT, log_key)

    origin, size, root, empty, signature, end = note.split("\n")
    assert (origin, size, base64.b64decode(root), empty, end) == (log_key.name, "20852163", ROOT, "", "")
    assert signature.startswith(f"— {log_key.name} ")
    assert len(base64.b64decode(signature.split(" ")[2])) == 4 + 64
    assert verify_checkpoint(note, log_key.public) == (20852163, ROOT)


def test_a_witness_may_add_its_signature(log_key: LogKey, go_key: LogKey) -> None:
    note = sign_checkpoint(0, EMPTY_ROOT, log_key)
    witnessed = note + sign_note(note.rpartition("\n\n")[0] + "\n", go_key).rpartition("\n\n")[2]

    assert verify_checkpoint(witnessed, log_key.public) == (0, EMPTY_ROOT)
    assert verify_note(witnessed, go_key.public)[1] == go_key.public


def test_any_changed_character_is_found(log_key: LogKey) -> None:
    note = sign_checkpoint(1234, ROOT, log_key)
    accepted = []
    for place in range(len(note)):
        changed = note[:place] + chr(ord(note[place]) ^ 1) + note[place + 1 :]
        try:
            verify_checkpoint(changed, log_key.public)
            accepted.append((place, note[place]))
        except LedgerError:
            pass

    assert accepted == []


def test_a_checkpoint_of_another_log_or_key_is_refused(log_key: LogKey, go_key: LogKey, tmp_path: Path) -> None:
    namesake = LogKey.create(tmp_path / "namesake.key", log_key.name)

    for key in (go_key, namesake):
        with pytest.raises(LedgerError, match="none of the log's keys"):
            verify_checkpoint(sign_checkpoint(1, ROOT, key), log_key.public)


def test_a_note_with_a_former_key_verifies_where_that_key_is_trusted(log_key: LogKey, tmp_path: Path) -> None:
    newer = LogKey.create(tmp_path / "newer.key", log_key.name)

    assert verify_checkpoint(sign_checkpoint(1, ROOT, log_key), newer.public, log_key.public) == (1, ROOT)


@pytest.mark.parametrize(
    "text",
    [
        "other.log\n1\n{root}\n",
        "{name}\n01\n{root}\n",
        "{name}\n-1\n{root}\n",
        "{name}\n١\n{root}\n",
        "{name}\n1\nAAAA\n",
        "{name}\n1\n",
        "{name}\n1\n{root}\nan extension\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str, log_key: LogKey) -> None:
    filled = text.format(name=log_key.name, root=base64.b64encode(ROOT).decode())

    with pytest.raises(LedgerError):
        verify_checkpoint(sign_note(filled, log_key), log_key.public)


@pytest.mark.parametrize(
    "note",
    ["", "\n", "x", GO_TEXT, GO_NOTE + "x", GO_NOTE[:-1], GO_NOTE.replace("—", "-"), GO_NOTE + "\n", "\x00" + GO_NOTE],
)
def test_what_is_not_a_signed_note_is_refused(note: str) -> None:
    with pytest.raises(LedgerError):
        verify_note(note, LogPublicKey.parse(GO_PUBLIC))


def test_a_key_file_is_closed_to_others_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    key = LogKey.create(path, "framegate.test/log")

    assert path.stat().st_mode & 0o777 == 0o600
    assert LogKey.load(path) == key
    assert key.seed.hex() not in repr(key)
    assert LogPublicKey.parse(key.public.text) == key.public


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    first = LogKey.create(path, "one")

    with pytest.raises(LedgerError, match="cannot be created"):
        LogKey.create(path, "two")
    assert LogKey.load(path) == first


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    LogKey.create(path, "one")
    path.chmod(0o640)

    with pytest.raises(LedgerError, match="chmod 600"):
        LogKey.load(path)


@pytest.mark.parametrize(
    "text", ["", "hello", GO_PUBLIC, GO_PRIVATE[:-4], GO_PRIVATE.replace("c74f20a3", "c74f20a4"), GO_PRIVATE + "A"]
)
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.key"
    path.touch(mode=0o600)
    path.write_text(text)

    with pytest.raises(LedgerError):
        LogKey.load(path)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_a_log_needs_a_name_that_fits_into_a_note(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match="name of a log"):
        LogKey.create(tmp_path / "log.key", name)


@pytest.mark.parametrize("text", ["", "PeterNeumann", GO_PUBLIC[:-4], GO_PUBLIC.replace("Peter", "Petra")])
def test_a_damaged_public_key_is_refused(text: str) -> None:
    with pytest.raises(LedgerError):
        LogPublicKey.parse(text)
