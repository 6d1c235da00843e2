"""A signing request holds what an authority needs to issue a certificate that can sign; the key may be anywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from provenance.base import SignerUnusable, SigningError
from provenance.certificate_request import load_public_key, new_key, request_certificate, request_for
from provenance.certificates import certificate_pem, issue
from provenance.chain import Algorithm, check_chain
from provenance.expiry import validities
from provenance.signatures import sign_with
from tests.token_library import SoftToken

ROOT = issue("root", "test", authority=True)


def issued(request: x509.CertificateSigningRequest) -> str:
    """What an authority makes of a request: names and extensions as asked for."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ROOT[0].subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(minutes=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=90))
    )
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return certificate_pem(builder.sign(ROOT[1], hashes.SHA256()))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_certificate_issued_as_asked_for_can_sign(algorithm: Algorithm) -> None:
    key = new_key(algorithm)
    request = x509.load_pem_x509_csr(request_certificate("Claim signer", "Studio", "DE", key).encode())

    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=Claim signer,O=Studio,C=DE"
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    check_chain(issued(request), pem, datetime.now(UTC), certificate_pem(ROOT[0]))


def test_a_request_for_a_key_in_a_token_is_signed_there(tmp_path) -> None:
    from provenance.pkcs11 import HardwareKey, KeyPlace

    key = ec.generate_private_key(ec.SECP384R1())
    (tmp_path / "pin").write_text("1234")
    place = KeyPlace.parse(f"pkcs11:token=release;object=k?module-path=/m&pin-source={tmp_path}/pin")
    token = SoftToken({b"k": key})
    sign = HardwareKey(place, Algorithm.ES384, token.open).sign
    request = x509.load_pem_x509_csr(request_for("Claim signer", "Studio", "", key.public_key(), sign).encode())

    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert token.log.count("C_Sign") == 1


def test_a_request_for_another_key_than_the_one_that_signs_is_not_made() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    other = sign_with(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(SigningError, match="of another one"):
        request_for("a", "b", "", public, other)


def test_names_and_keys_that_no_certificate_can_have_are_refused() -> None:
    with pytest.raises(SignerUnusable, match="cannot stand in a certificate"):
        request_certificate("a", "b", "Germany", new_key(Algorithm.ES256))
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP521R1())):
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(SignerUnusable, match="use P-256, P-384 or Ed25519"):
            load_public_key(pem.decode())
    with pytest.raises(SignerUnusable, match="not a PEM public key"):
        load_public_key("nonsense")


def test_every_certificate_of_a_chain_has_an_end_and_says_when_it_is_due() -> None:
    middle = issue("middle", "test", issuer=ROOT, authority=True, days=20)
    leaf = issue("leaf", "test", issuer=middle, days=90)
    found = validities(certificate_pem(leaf[0]) + certificate_pem(middle[0]), certificate_pem(ROOT[0]))
    now = datetime.now(UTC)

    assert [each.role for each in found] == ["signer", "intermediate", "anchor"]
    assert [each.is_due(now) for each in found] == [False, True, False]
    old = issue("an old root", "test", authority=True, days=1)
    both = validities(
        certificate_pem(leaf[0]) + certificate_pem(middle[0]), certificate_pem(old[0]) + certificate_pem(ROOT[0])
    )
    assert [(each.role, each.matters) for each in both][2:] == [("other anchor", False), ("anchor", True)]
    assert found[0].is_due(now + timedelta(days=100))
    with pytest.raises(SignerUnusable, match="no readable PEM"):
        validities("nothing", certificate_pem(ROOT[0]))
