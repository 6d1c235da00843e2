"""The development chain: what is written, and that nothing is overwritten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.base import SignerUnusable
from provenance.certificates import DevelopmentPki, check_chain, create_development_pki


def test_a_fresh_chain_passes_its_own_check(pki: DevelopmentPki, anchors: str) -> None:
    check_chain(pki.chain_pem.read_text(), pki.key_pem.read_text(), datetime.now(UTC), anchors)


def test_only_the_owner_may_read_the_keys(pki: DevelopmentPki) -> None:
    assert {oct(path.stat().st_mode & 0o777) for path in (pki.key_pem, pki.timestamp_key_pem)} == {"0o600"}


def test_no_key_of_an_authority_is_written(pki: DevelopmentPki) -> None:
    keys = [path for path in pki.root_pem.parent.iterdir() if "PRIVATE KEY" in path.read_text()]

    assert sorted(keys) == sorted([pki.key_pem, pki.timestamp_key_pem])


def test_an_existing_chain_is_never_overwritten(tmp_path: Path) -> None:
    first = create_development_pki(tmp_path)
    before = {path: path.read_bytes() for path in first.paths()}

    with pytest.raises(SignerUnusable, match=r"already holds root\.pem"):
        create_development_pki(tmp_path)
    assert before == {path: path.read_bytes() for path in first.paths()}


def test_a_single_left_over_key_is_not_overwritten_either(tmp_path: Path) -> None:
    DevelopmentPki.at(tmp_path).key_pem.write_text("precious")

    with pytest.raises(SignerUnusable, match=r"signer\.key"):
        create_development_pki(tmp_path)
    assert DevelopmentPki.at(tmp_path).key_pem.read_text() == "precious"


def test_the_chain_files_hold_leaf_then_intermediate_and_not_the_root(pki: DevelopmentPki) -> None:
    root = x509.load_pem_x509_certificate(pki.root_pem.read_bytes())
    chain = x509.load_pem_x509_certificates(pki.chain_pem.read_bytes())

    assert len(chain) == 2
    assert root not in chain
    chain[0].verify_directly_issued_by(chain[1])
    chain[1].verify_directly_issued_by(root)


def test_the_time_stamping_use_is_critical_and_alone(pki: DevelopmentPki) -> None:
    leaf = x509.load_pem_x509_certificates(pki.timestamp_chain_pem.read_bytes())[0]
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)

    assert uses.critical
    assert list(uses.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SignerUnusable, match="cannot be written"):
        create_development_pki(tmp_path / "file" / "pki")
