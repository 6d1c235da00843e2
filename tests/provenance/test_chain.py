"""Every fault of a signing chain is named in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.base import SignerUnusable
from provenance.certificates import certificate_pem, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING, DOCUMENT_SIGNING, check_chain, signer_id

NOW = datetime.now(UTC)
ROOT = issue("root", "test", authority=True)
ISSUER = issue("issuer", "test", issuer=ROOT, authority=True, depth=0)
OTHER_ROOT = issue("other root", "other", authority=True)
ANCHORS = certificate_pem(ROOT[0])
GOOD = issue("leaf", "test", issuer=ISSUER, uses=(CLAIM_SIGNING,))


def chain(*signed) -> str:
    return "".join(certificate_pem(certificate) for certificate, _ in signed)


def check(leaf, *authorities, key=None, at=None, anchors=ANCHORS) -> None:
    check_chain(chain(leaf, *authorities), private_key_pem(key or leaf[1]), at or datetime.now(UTC), anchors)


@pytest.mark.parametrize("use", [CLAIM_SIGNING, DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION])
def test_a_leaf_with_any_signing_use_is_accepted(use) -> None:
    check(issue("leaf", "test", issuer=ISSUER, uses=(use,)), ISSUER)


def test_a_leaf_directly_below_an_anchor_needs_no_intermediate() -> None:
    check(issue("leaf", "test", issuer=ROOT, uses=(CLAIM_SIGNING,)))


def _with_expired_intermediate() -> None:
    old = issue("old", "t", issuer=ROOT, authority=True, not_before=NOW - timedelta(days=50), days=40)
    check(issue("l", "t", issuer=old, uses=(CLAIM_SIGNING,)), old)


LARGE_KEY = ec.generate_private_key(ec.SECP521R1())

FAULTS: dict[str, tuple[Callable[[], None], str]] = {
    "expired": (lambda: check(GOOD, ISSUER, at=NOW + timedelta(days=400)), "has expired"),
    "not yet valid": (lambda: check(GOOD, ISSUER, at=NOW - timedelta(days=1)), "not yet valid"),
    "expired intermediate": (_with_expired_intermediate, "has expired"),
    "other key": (lambda: check(GOOD, ISSUER, key=ISSUER[1]), "key does not match"),
    "missing intermediate": (lambda: check(GOOD), "intermediate is missing"),
    "missing intermediate, no anchors": (lambda: check(GOOD, anchors=""), "intermediate is missing"),
    "unknown root": (lambda: check(GOOD, ISSUER, anchors=certificate_pem(OTHER_ROOT[0])), "root is unknown"),
    "broken order": (lambda: check(GOOD, OTHER_ROOT), "chain is broken"),
    "no use": (lambda: check(issue("l", "t", issuer=ISSUER), ISSUER), r"no extended key usage \(EKU\)"),
    "tls use": (
        lambda: check(issue("l", "t", issuer=ISSUER, uses=(ExtendedKeyUsageOID.SERVER_AUTH,)), ISSUER),
        r"wrong extended key usage \(EKU\)",
    ),
    "authority as leaf": (lambda: check(ISSUER), r"is an authority \(CA\)"),
    "wrong curve": (
        lambda: check(issue("l", "t", issuer=ISSUER, uses=(CLAIM_SIGNING,), key=LARGE_KEY), ISSUER),
        r"secp521r1 key; it needs P-256 \(ES256\), P-384 \(ES384\) or Ed25519",
    ),
    "no certificate": (lambda: check_chain("rubbish", None, NOW), "no readable PEM certificate"),
    "no key": (lambda: check_chain(chain(GOOD, ISSUER), "rubbish", NOW, ANCHORS), "not an unencrypted PEM private key"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str) -> None:
    provoke, words = FAULTS[fault]

    with pytest.raises(SignerUnusable, match=words):
        provoke()


def test_a_signer_is_named_by_serial_number_and_common_name() -> None:
    assert signer_id(chain(GOOD, ISSUER)) == f"{GOOD[0].serial_number}:leaf"
