"""A new key is taken up without a stop, once it has proven itself; until then the old one goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provenance.base import Claim, SignerUnusable
from provenance.certificates import certificate_pem, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING
from provenance.rotating import RETRY_S, Change, RotatingSigner
from provenance.signers import FileSigner

ROOT = issue("root", "test", authority=True)


class Keys:
    """A folder with a chain and a key, and the signer over them."""

    def __init__(self, folder: Path) -> None:
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        self.told: list[Change] = []
        self.built = 0

    def put(self, name: str, *, chain: bool = True, key: bool = True) -> None:
        leaf = issue(name, "test", issuer=ROOT, uses=(CLAIM_SIGNING,))
        if chain:
            replace(self.chain, certificate_pem(leaf[0]))
        if key:
            replace(self.key, private_key_pem(leaf[1]))

    def build(self) -> FileSigner:
        self.built += 1
        return FileSigner(self.chain, self.key, certificate_pem(ROOT[0]))

    def signer(self) -> RotatingSigner:
        return RotatingSigner(self.build, [self.chain, self.key], self.told.append)


def replace(path: Path, text: str) -> None:
    part = path.with_suffix(".new")
    part.write_text(text)
    part.replace(path)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    made = Keys(tmp_path)
    made.put("first")
    return made


def signer_of(signer: RotatingSigner, video: Path, out: Path, claim: Claim) -> str:
    return str(signer.sign(video, out, claim).detail["signer"]).partition(":")[2]


def test_new_files_are_taken_up_and_told_once(keys: Keys, video: Path, tmp_path: Path, claim: Claim) -> None:
    signer = keys.signer()
    out = tmp_path / "out.mp4"
    assert signer_of(signer, video, out, claim) == "first"
    keys.put("second")

    assert [signer_of(signer, video, out, claim) for _ in range(2)] == ["second", "second"]
    assert keys.told == [Change(taken_up=True)]
    assert keys.built == 2


def test_while_chain_and_key_do_not_fit_the_old_key_goes_on(
    keys: Keys, video: Path, tmp_path: Path, claim: Claim, caplog: pytest.LogCaptureFixture
) -> None:
    signer = keys.signer()
    out = tmp_path / "out.mp4"
    leaf = issue("second", "test", issuer=ROOT, uses=(CLAIM_SIGNING,))
    replace(keys.chain, certificate_pem(leaf[0]))
    assert [signer_of(signer, video, out, claim) for _ in range(2)] == ["first", "first"]
    assert keys.built == 2  # tried once for each change, not for each signature
    replace(keys.key, private_key_pem(leaf[1]))

    assert signer_of(signer, video, out, claim) == "second"
    assert [(change.taken_up, "does not match" in change.reason) for change in keys.told] == [
        (False, True),
        (True, False),
    ]
    assert "the old one goes on: " in caplog.text


def test_a_key_file_that_is_gone_stops_nothing(keys: Keys, video: Path, tmp_path: Path, claim: Claim) -> None:
    signer = keys.signer()
    keys.key.unlink()

    assert signer_of(signer, video, tmp_path / "out.mp4", claim) == "first"
    signer.self_test()


def test_there_is_no_signer_without_a_first_key(tmp_path: Path) -> None:
    with pytest.raises(SignerUnusable, match="cannot be read"):
        Keys(tmp_path).signer()


def test_many_threads_see_one_change(keys: Keys, video: Path, tmp_path: Path, claim: Claim) -> None:
    signer = keys.signer()
    keys.put("second")
    with ThreadPoolExecutor(4) as threads:
        names = list(threads.map(lambda n: signer_of(signer, video, tmp_path / f"{n}.mp4", claim), range(8)))

    assert set(names) == {"second"}
    assert keys.told == [Change(taken_up=True)]


def test_a_key_that_was_refused_for_a_moment_is_tried_again_and_told_once(
    keys: Keys, video: Path, tmp_path: Path, claim: Claim
) -> None:
    now, away = [0.0], [False]

    def build() -> FileSigner:
        if away[0]:
            raise SignerUnusable("the key service is away")
        return keys.build()

    signer = RotatingSigner(build, [keys.chain, keys.key], keys.told.append, lambda: now[0])
    keys.put("second")
    away[0] = True
    assert [signer_of(signer, video, tmp_path / "out.mp4", claim) for _ in range(2)] == ["first", "first"]

    away[0] = False
    assert signer_of(signer, video, tmp_path / "out.mp4", claim) == "first"
    now[0] = RETRY_S

    assert signer_of(signer, video, tmp_path / "out.mp4", claim) == "second"
    assert keys.told == [Change(taken_up=False, reason="the key service is away"), Change(taken_up=True)]


def test_no_key_signs_whose_change_could_not_be_recorded(keys: Keys, video: Path, tmp_path: Path, claim: Claim) -> None:
    def told(_: Change) -> None:
        raise OSError("the database is away")

    signer = RotatingSigner(keys.build, [keys.chain, keys.key], told)
    keys.put("second")

    for _ in range(2):
        with pytest.raises(OSError, match="database"):
            signer.sign(video, tmp_path / "out.mp4", claim)
