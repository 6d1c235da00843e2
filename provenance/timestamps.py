"""A time-stamp authority for development and tests: RFC 3161 over HTTP on 127.0.0.1.

Its clock is the machine's, so it proves nothing to a third party; production names a public authority by URL.
Does not serve any other address, keeps no record of what it stamped.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from asn1crypto import cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provenance.base import SignerUnusable
from provenance.chain import load_private_key

DEVELOPMENT_POLICY = "1.3.6.1.4.1.99999.1"
"""TSA policy id in our tokens: an unassigned enterprise arc, so that no reader takes it for a real policy."""

MAX_REQUEST_BYTES = 64 * 1024

REJECTION = bytes.fromhex("30053003020102")
"""A TimeStampResp of status 2 (rejection) without a token (RFC 3161 section 2.4.2), which asn1crypto cannot write."""


class TimestampIssuer:
    """Answers RFC 3161 requests with tokens signed by a time-stamping leaf."""

    def __init__(
        self, chain_pem: str, key_pem: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        try:
            chain = x509.load_pem_x509_certificates(chain_pem.encode())
        except ValueError as error:
            raise SignerUnusable("the time-stamp chain holds no readable PEM certificate") from error
        self._certificates = [
            asn1_x509.Certificate.load(item.public_bytes(serialization.Encoding.DER)) for item in chain
        ]
        key = load_private_key(key_pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SignerUnusable("the time-stamp key is not an elliptic-curve key on P-256")
        self._key = key
        self._clock = clock

    def reply(self, request_der: bytes) -> bytes:
        """Return a DER TimeStampResp: granted, or rejected when the request cannot be parsed."""
        try:
            request = tsp.TimeStampReq.load(request_der)
            imprint, nonce = request["message_imprint"], request["nonce"].native
            imprint["hash_algorithm"]["algorithm"].native  # noqa: B018 -- asn1crypto parses on access
        except (ValueError, TypeError, KeyError):
            return REJECTION
        info = {
            "version": "v1",
            "policy": DEVELOPMENT_POLICY,
            "message_imprint": imprint,
            "serial_number": secrets.randbits(64),
            "gen_time": self._clock().replace(microsecond=0),
            "accuracy": {"seconds": 1},
        }
        if nonce is not None:
            info["nonce"] = nonce
        token = cms.ContentInfo({"content_type": "signed_data", "content": self._signed(tsp.TSTInfo(info).dump())})
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())

    def _signed(self, content: bytes) -> cms.SignedData:
        leaf = self._certificates[0]
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
                cms.CMSAttribute({"type": "signing_certificate_v2", "values": [_essence(leaf)]}),
            ]
        )
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier(
                    "issuer_and_serial_number",
                    cms.IssuerAndSerialNumber({"issuer": leaf.issuer, "serial_number": leaf.serial_number}),
                ),
                "digest_algorithm": {"algorithm": "sha256"},
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
            }
        )
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [{"algorithm": "sha256"}],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
                "certificates": self._certificates,
                "signer_infos": [signer],
            }
        )


class DevelopmentTimestampAuthority:
    """Serves a TimestampIssuer on an ephemeral port of 127.0.0.1 while the `with` block lasts."""

    def __init__(self, issuer: TimestampIssuer) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(issuer))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="timestamps", daemon=True)

    @classmethod
    def from_files(cls, chain_path: Path, key_path: Path) -> DevelopmentTimestampAuthority:
        """Return an authority over a chain and key on disk.

        Raises:
            SignerUnusable: they cannot be read.
        """
        try:
            issuer = TimestampIssuer(chain_path.read_text(), key_path.read_text())
        except OSError as error:
            raise SignerUnusable(f"the time-stamp chain cannot be read: {error}") from error
        return cls(issuer)

    @property
    def url(self) -> str:
        """Return the address to give to a signer."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> DevelopmentTimestampAuthority:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _essence(leaf: asn1_x509.Certificate) -> tsp.SigningCertificateV2:
    # RFC 5816: the token names its own signing certificate, so that another one with the same key cannot stand in.
    return tsp.SigningCertificateV2(
        {
            "certs": [
                tsp.ESSCertIDv2(
                    {
                        "cert_hash": hashlib.sha256(leaf.dump()).digest(),
                        "issuer_serial": {
                            "issuer": [asn1_x509.GeneralName("directory_name", leaf.issuer)],
                            "serial_number": leaf.serial_number,
                        },
                    }
                )
            ]
        }
    )


def _handler(issuer: TimestampIssuer) -> type[BaseHTTPRequestHandler]:
    class TimestampHandler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
                self.send_error(413)
                return
            reply = issuer.reply(self.rfile.read(int(length)))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            return

    return TimestampHandler
