"""The loopback time-stamp authority, checked against RFC 3161 by parsing and by cryptography, not by itself."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import httpx
import pytest
from asn1crypto import core, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from provenance.base import SignerUnusable
from provenance.certificates import DevelopmentPki
from provenance.timestamps import MAX_REQUEST_BYTES, REJECTION, DevelopmentTimestampAuthority, TimestampIssuer

DIGEST = hashlib.sha256(b"content").digest()


def request(nonce: int | None = 42) -> bytes:
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": DIGEST}
    fields = {"version": 1, "message_imprint": imprint, "cert_req": True}
    return tsp.TimeStampReq(fields if nonce is None else fields | {"nonce": nonce}).dump()


@pytest.fixture
def issuer(pki: DevelopmentPki) -> TimestampIssuer:
    return TimestampIssuer(
        pki.timestamp_chain_pem.read_text(),
        pki.timestamp_key_pem.read_text(),
        clock=lambda: datetime(2026, 11, 1, 12, 30, 15, 999, tzinfo=UTC),
    )


def test_a_token_binds_digest_nonce_and_time(issuer: TimestampIssuer) -> None:
    reply = tsp.TimeStampResp.load(issuer.reply(request()))
    info = reply["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed.native

    assert reply["status"]["status"].native == "granted"
    assert info["message_imprint"]["hashed_message"] == DIGEST
    assert info["nonce"] == 42
    assert info["gen_time"] == datetime(2026, 11, 1, 12, 30, 15, tzinfo=UTC)


def test_a_token_verifies_with_the_leaf_s_public_key(issuer: TimestampIssuer, pki: DevelopmentPki) -> None:
    leaf = x509.load_pem_x509_certificates(pki.timestamp_chain_pem.read_bytes())[0]
    signed = tsp.TimeStampResp.load(issuer.reply(request(None)))["time_stamp_token"]["content"]
    signer = signed["signer_infos"][0]
    digest = next(item for item in signer["signed_attrs"] if item["type"].native == "message_digest")

    content = bytes(signed["encap_content_info"]["content"])

    assert digest["values"][0].native == hashlib.sha256(content).digest()
    leaf.public_key().verify(
        signer["signature"].native, signer["signed_attrs"].untag().dump(), ec.ECDSA(hashes.SHA256())
    )


def test_two_tokens_have_two_serial_numbers(issuer: TimestampIssuer) -> None:
    serials = {
        tsp.TimeStampResp.load(issuer.reply(request()))["time_stamp_token"]["content"]["encap_content_info"][
            "content"
        ].parsed.native["serial_number"]
        for _ in range(3)
    }

    assert len(serials) == 3


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", b"\x30\x03\x02\x01\x01", b"\x30\x82\xff\xff"])
def test_rubbish_is_rejected_and_not_stamped(issuer: TimestampIssuer, rubbish: bytes) -> None:
    assert issuer.reply(rubbish) == REJECTION
    assert core.Sequence.load(REJECTION)[0].native == {"0": 2}


def test_it_serves_on_loopback_and_refuses_large_requests(issuer: TimestampIssuer) -> None:
    with DevelopmentTimestampAuthority(issuer) as authority:
        assert authority.url.startswith("http://127.0.0.1:")
        granted = httpx.post(authority.url, content=request())
        assert tsp.TimeStampResp.load(granted.content)["status"]["status"].native == "granted"
        assert httpx.post(authority.url, content=b"x" * (MAX_REQUEST_BYTES + 1)).status_code == 413
    with pytest.raises(httpx.ConnectError):
        httpx.post(authority.url, content=request(), timeout=2)


def test_a_missing_chain_is_named(pki: DevelopmentPki) -> None:
    with pytest.raises(SignerUnusable, match="cannot be read"):
        DevelopmentTimestampAuthority.from_files(pki.root_pem.with_name("none.pem"), pki.timestamp_key_pem)
