"""Makes what an authority wants before it issues a certificate: a signing request (PKCS #10), wherever the key is.

Asks for what a C2PA claim signer needs: digital signature, and the uses claim signing and e-mail protection. Sends
nothing to anybody.
"""

from __future__ import annotations

from asn1crypto import csr as asn1_csr  # type: ignore[import-untyped]
from asn1crypto import keys as asn1_keys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance.base import SignerUnusable
from provenance.certificates import key_usage
from provenance.chain import CLAIM_SIGNING, Algorithm, SigningKey
from provenance.signatures import SignBytes, checked_by, der_form, sign_with

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def new_key(algorithm: Algorithm) -> SigningKey:
    """Return a new private key."""
    if algorithm is Algorithm.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if algorithm is Algorithm.ES384 else ec.SECP256R1())


def load_public_key(pem: str) -> PublicKey:
    """Read a public key.

    Raises:
        SignerUnusable: the text is no public key that a claim can be signed for.
    """
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except ValueError as error:
        raise SignerUnusable("the public key is not a PEM public key") from error
    if isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        algorithm_of_public(key)
        return key
    raise SignerUnusable("the public key is not an elliptic-curve key; use P-256, P-384 or Ed25519")


def algorithm_of_public(key: PublicKey) -> Algorithm:
    """Return the algorithm that goes with a key.

    Raises:
        SignerUnusable: there is none.
    """
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Algorithm.ED25519
    found = {"secp256r1": Algorithm.ES256, "secp384r1": Algorithm.ES384}.get(key.curve.name)
    if found is None:
        raise SignerUnusable(f"a {key.curve.name} key cannot sign claims; use P-256, P-384 or Ed25519")
    return found


def request_certificate(common_name: str, organisation: str, country: str, key: SigningKey) -> str:
    """Return a signing request for a key in memory, as PEM."""
    public = key.public_key()
    return request_for(common_name, organisation, country, public, sign_with(key))


def request_for(common_name: str, organisation: str, country: str, public: PublicKey, sign_bytes: SignBytes) -> str:
    """Return a signing request for a key that is behind a function, as PEM.

    Raises:
        SignerUnusable: the names cannot stand in a certificate.
        SigningError: the key is not the one of `public`, or refuses.
    """
    algorithm = algorithm_of_public(public)
    stand_in = new_key(algorithm)  # writes the request; its key and signature are replaced
    digest = {Algorithm.ES256: hashes.SHA256(), Algorithm.ES384: hashes.SHA384(), Algorithm.ED25519: None}[algorithm]
    try:
        names = [x509.NameAttribute(NameOID.COUNTRY_NAME, country)] if country else []
        names += [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    except ValueError as error:
        raise SignerUnusable(f"these names cannot stand in a certificate: {error}") from error
    uses = x509.ExtendedKeyUsage((CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION))
    written = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(authority=False), critical=True)
        .add_extension(uses, critical=False)
        .sign(stand_in, digest)
    )
    request = asn1_csr.CertificationRequest.load(written.public_bytes(serialization.Encoding.DER))
    info = request["certification_request_info"]
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    info["subject_pk_info"] = asn1_keys.PublicKeyInfo.load(spki)
    signature = checked_by(sign_bytes, public, algorithm)(info.dump(force=True))
    request["signature"] = signature if algorithm is Algorithm.ED25519 else der_form(signature)
    made = x509.load_der_x509_csr(request.dump(force=True))
    return made.public_bytes(serialization.Encoding.PEM).decode("ascii")
