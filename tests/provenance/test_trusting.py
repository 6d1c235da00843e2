"""Whose credentials read as trusted, and by which pack: with a real signer under each root."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from provenance.base import Claim, ClaimInput, CredentialState, InputRelation, TrustPackError
from provenance.certificates import DevelopmentPki, certificate_pem, create_development_pki, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING
from provenance.isolated import IsolatedReader
from provenance.signers import FileSigner
from provenance.timestamps import DevelopmentTimestampAuthority
from provenance.trust_folder import MAX_PACKS, TrustFolder
from provenance.trust_pack import TrustPack, Use, make_pack, pack_from_json, pack_json, parse_pins
from provenance.trusting import NOT_FOR_SIGNERS, TrustingReader, most_reads

AT = datetime(2026, 11, 27, tzinfo=UTC)


def pack(pem: str, name: str = "partners", use: Use = Use.SIGNERS) -> TrustPack:
    return make_pack(name, date(2026, 11, 1), use, pem.encode(), source="a test", at=AT)


@dataclass(frozen=True)
class Stranger:
    """A house with a chain of its own, and what it signed."""

    root: str
    file: Path
    pki: DevelopmentPki


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory, video: Path) -> Stranger:
    folder = tmp_path_factory.mktemp("stranger")
    pki = create_development_pki(folder / "pki", "another studio")
    claim = Claim(*("x", "r", "d", "sha256:00", "other", "1", AT, "Another Studio", "", ""))
    root = pki.root_pem.read_text()
    FileSigner(pki.chain_pem, pki.key_pem, root).sign(video, folder / "theirs.mp4", claim)
    return Stranger(root, folder / "theirs.mp4", pki)


@pytest.fixture(scope="module")
def unrelated() -> str:
    return certificate_pem(issue("unrelated root", "nobody", authority=True)[0])


def test_a_file_is_read_no_oftener_than_it_has_time_for(anchors: str, stranger: Stranger, unrelated: str) -> None:
    again: list[None] = []

    def reads(*packs: TrustPack) -> int:
        again.clear()
        TrustingReader(anchors, packs, before_again=lambda: again.append(None)).read(stranger.file)
        return 1 + len(again)

    clock = certificate_pem(issue("a clock's root", "nobody", authority=True)[0])
    theirs, times = pack(stranger.root), pack(clock, "times", Use.TIMESTAMPS)
    others = [pack(unrelated, f"other-{number}") for number in range(3)]

    assert reads() == reads(*others) == 1  # nobody vouches for it
    assert 3 + len(others) < reads(*others, times, theirs) <= most_reads([*others, times, theirs])


def test_a_pack_makes_its_signers_trusted_and_is_named(anchors: str, stranger: Stranger, unrelated: str) -> None:
    others = pack(unrelated, "a-first")
    without = TrustingReader(anchors, [others]).read(stranger.file)
    with_it = TrustingReader(anchors, [others, pack(stranger.root)]).read(stranger.file)

    assert (without.state, without.trusted_by) == (CredentialState.UNKNOWN_ISSUER, ())
    assert (with_it.state, with_it.trusted_by) == (CredentialState.TRUSTED, ("partners",))


def test_our_own_anchors_come_before_packs_that_hold_them_too(stranger: Stranger, unrelated: str) -> None:
    reader = TrustingReader(stranger.root, [pack(stranger.root + unrelated)])

    assert reader.read(stranger.file).trusted_by == ("own",)


def test_every_pack_that_vouches_is_named(anchors: str, stranger: Stranger, unrelated: str) -> None:
    packs = [pack(stranger.root, "b"), pack(stranger.root + unrelated, "c"), pack(unrelated, "d")]

    assert TrustingReader(anchors, packs).read(stranger.file).trusted_by == ("b", "c")


def test_anchors_for_time_stamps_vouch_for_no_signer(anchors: str, stranger: Stranger, unrelated: str) -> None:
    for packs in (
        [pack(stranger.root, "stamps", Use.TIMESTAMPS)],
        [pack(stranger.root, "stamps", Use.TIMESTAMPS), pack(unrelated)],
    ):
        credential = TrustingReader(anchors, packs).read(stranger.file)

        assert (credential.state, credential.trusted_by) == (CredentialState.UNKNOWN_ISSUER, ())
        assert NOT_FOR_SIGNERS in credential.failures


def test_a_pack_of_time_stamps_lets_a_signature_outlive_its_certificate(
    video: Path, anchors: str, pki: DevelopmentPki, claim: Claim, tmp_path: Path
) -> None:
    root = issue("short root", "short", authority=True)
    leaf = issue("short leaf", "short", issuer=root, uses=(CLAIM_SIGNING,), days=1)
    (tmp_path / "chain.pem").write_text(certificate_pem(leaf[0]))
    (tmp_path / "key.pem").write_text(private_key_pem(leaf[1]))
    both = certificate_pem(root[0]) + anchors
    out = tmp_path / "out.mp4"
    with DevelopmentTimestampAuthority.from_files(pki.timestamp_chain_pem, pki.timestamp_key_pem) as authority:
        FileSigner(tmp_path / "chain.pem", tmp_path / "key.pem", both, timestamp_url=authority.url).sign(
            video, out, claim
        )
    elsewhere = certificate_pem(issue("elsewhere", "elsewhere", authority=True)[0])
    signers, stamps = pack(certificate_pem(root[0]), "signers"), pack(anchors, "stamps", Use.TIMESTAMPS)

    assert TrustingReader(elsewhere, [signers]).read(out).signed_at is None
    stamped = TrustingReader(elsewhere, [signers, stamps]).read(out)
    assert (stamped.state, stamped.trusted_by) == (CredentialState.TRUSTED, ("signers",))
    assert stamped.signed_at is not None


def test_the_signer_counts_and_not_who_signed_what_it_was_made_from(
    anchors: str, pki: DevelopmentPki, stranger: Stranger, video: Path, claim: Claim, tmp_path: Path
) -> None:
    """Of a file made from one of ours: an ingredient's root must not lend its name to the outer signer."""
    FileSigner(pki.chain_pem, pki.key_pem, anchors).sign(video, tmp_path / "ours.mp4", claim)
    made_from_ours = replace(claim, inputs=(ClaimInput(tmp_path / "ours.mp4", InputRelation.PARENT, "ours.mp4"),))
    signer = FileSigner(stranger.pki.chain_pem, stranger.pki.key_pem, stranger.root)
    signer.sign(video, tmp_path / "theirs.mp4", made_from_ours)

    assert TrustingReader(anchors, [pack(stranger.root)]).read(tmp_path / "theirs.mp4").trusted_by == ("partners",)
    assert TrustingReader(anchors).read(tmp_path / "theirs.mp4").state is CredentialState.UNKNOWN_ISSUER


def test_the_child_reads_under_the_packs_of_the_moment(anchors: str, stranger: Stranger) -> None:
    packs: list[TrustPack] = []
    reader = IsolatedReader(lambda: anchors, packs=lambda: packs)
    before = reader.read(stranger.file)
    packs.append(pack(stranger.root))

    assert before.state is CredentialState.UNKNOWN_ISSUER
    assert reader.read(stranger.file) == TrustingReader(anchors, packs).read(stranger.file)
    assert reader.read(stranger.file).trusted_by == ("partners",)


def test_a_pack_survives_its_file_and_any_change_of_it_is_noticed(unrelated: str, stranger: Stranger) -> None:
    kept = pack(unrelated + stranger.root)
    text = pack_json(kept)

    assert pack_from_json(text, "x") == kept
    for old, new in (("2026-11-01", "2026-11-02"), ('"signers"', '"both"'), ('"partners"', '"partner"')):
        with pytest.raises(TrustPackError, match="was changed"):
            pack_from_json(text.replace(old, new, 1), "x")
    smaller = text.replace(kept.anchors_pem.split("-----END")[0].replace("\n", "\\n"), "", 1)
    for broken in (smaller, "{}", "[]", "nonsense", text.replace('"format": 1', '"format": 2')):
        with pytest.raises(TrustPackError):
            pack_from_json(broken, "x")


def test_the_digest_is_of_the_certificates_and_not_of_their_order(unrelated: str, stranger: Stranger) -> None:
    one, other = pack(unrelated + stranger.root), pack("# a comment\n" + stranger.root + unrelated + unrelated)

    assert one.digest == other.digest
    assert one.digest != pack(unrelated).digest
    assert one.digest != pack(unrelated + stranger.root, use=Use.BOTH).digest


def test_what_is_no_anchor_is_refused(unrelated: str, stranger: Stranger) -> None:
    leaf, key = issue("leaf", "nobody")
    for content, words in (
        ("", "no readable"),
        (certificate_pem(leaf), "no authority"),
        (unrelated + private_key_pem(key), "private key"),
    ):
        with pytest.raises(TrustPackError, match=words):
            pack(content)
    for name in ("own", "Partners", "../x", "", "a b", "-a"):
        with pytest.raises(TrustPackError, match="cannot name"):
            pack(unrelated, name)
    with pytest.raises(TrustPackError, match="future"):
        make_pack("x", date(2026, 11, 28), Use.SIGNERS, unrelated.encode(), at=AT)


def test_a_folder_keeps_packs_and_refuses_what_was_not_meant(
    tmp_path: Path, unrelated: str, stranger: Stranger
) -> None:
    folder = TrustFolder(tmp_path / "trust")
    first = pack(unrelated)
    assert folder.packs() == ()
    folder.add(first)
    with pytest.raises(TrustPackError, match="--replace"):
        folder.add(pack(stranger.root))
    folder.add(pack(stranger.root), replace=True)

    assert folder.packs() == (pack(stranger.root),)
    assert [each.name for each in (tmp_path / "trust").iterdir()] == ["partners.json"]
    folder.remove("partners")
    assert folder.packs() == ()
    with pytest.raises(TrustPackError, match="no trust pack"):
        folder.remove("partners")


def test_pins_decide_what_counts(tmp_path: Path, unrelated: str, stranger: Stranger) -> None:
    kept, another = pack(unrelated), pack(stranger.root, "another")
    TrustFolder(tmp_path).add(kept)
    pinned = TrustFolder(tmp_path, parse_pins(f"partners={kept.digest}"))
    TrustFolder(tmp_path).add(another)

    assert TrustFolder(tmp_path).packs() == (another, kept)
    assert pinned.packs() == (kept,)
    with pytest.raises(TrustPackError, match="is pinned"):
        pinned.remove("partners")
    TrustFolder(tmp_path).add(pack(stranger.root), replace=True)
    with pytest.raises(TrustPackError, match="is pinned to"):
        pinned.packs()
    TrustFolder(tmp_path).remove("partners")
    with pytest.raises(TrustPackError, match="is not in"):
        pinned.packs()
    for nonsense in ("partners", "partners=sha256:00", f"a={kept.digest} a={kept.digest}", f"A={kept.digest}"):
        with pytest.raises(TrustPackError, match="pins no trust pack"):
            parse_pins(nonsense)


def test_there_are_not_more_packs_than_a_file_can_be_read_for(tmp_path: Path, unrelated: str) -> None:
    folder = TrustFolder(tmp_path)
    for number in range(MAX_PACKS):
        folder.add(pack(unrelated, f"p{number}"))
    with pytest.raises(TrustPackError, match="the limit"):
        folder.add(pack(unrelated, "one-more"))
    (tmp_path / "more.json").write_text(pack_json(pack(unrelated, "more")))
    with pytest.raises(TrustPackError, match="the limit"):
        folder.packs()


def test_a_file_under_another_name_is_no_pack(tmp_path: Path, unrelated: str) -> None:
    (tmp_path / "other.json").write_text(pack_json(pack(unrelated)))

    with pytest.raises(TrustPackError, match="names itself"):
        TrustFolder(tmp_path).packs()


def test_age_counts_from_the_date_of_the_pack(unrelated: str) -> None:
    kept = pack(unrelated)

    assert kept.age_days(AT) == 26
    assert kept.expired(AT) == []
    assert len(kept.expired(datetime(2126, 1, 1, tzinfo=UTC))) == 1
