"""Reading a stranger's file calls nobody: not for a manifest that lies elsewhere, not to ask whether a key was revoked.

Each listener is real, and each test first shows that the library would have called it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from c2pa import Builder, C2paError, C2paSigningAlg, Context, Reader, Signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID

from provenance.base import Claim, CredentialState
from provenance.certificates import DevelopmentPki, certificate_pem, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING, load_private_key
from provenance.credentials import C2paReader, trust_settings
from provenance.isolated import read_isolated
from provenance.manifest import manifest_for
from provenance.signatures import sign_with
from provenance.signers import FileSigner


@dataclass
class Listener:
    """Answers 404 to everything and remembers that it was asked."""

    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/there"


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            listener.asked.append(self.path)
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST = do_HEAD = _answer

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    listener.port = server.server_address[1]
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read_carelessly(path: Path, anchors: str, listener: Listener) -> None:
    """As the library reads where nobody told it not to call."""
    settings = trust_settings(anchors)
    settings["verify"] |= {"remote_manifest_fetch": True, "ocsp_fetch": True}
    settings["core"]["allowed_network_hosts"] = [f"127.0.0.1:{listener.port}"]
    with path.open("rb") as file:
        try:
            with Reader("video/mp4", file, context=Context.from_dict(settings)) as reader:
                reader.json()
        except C2paError:
            return  # what it was told there is no manifest


def test_a_manifest_that_lies_elsewhere_is_not_fetched(
    video: Path, pki: DevelopmentPki, anchors: str, claim: Claim, tmp_path: Path
) -> None:
    named = tmp_path / "named.mp4"
    sign_bytes = sign_with(load_private_key(pki.key_pem.read_text()))
    with listening() as listener:
        signer = Signer.from_callback(sign_bytes, C2paSigningAlg.ES256, pki.chain_pem.read_text(), None)
        with (
            signer,
            Builder(manifest_for(claim), Context.from_dict(trust_settings(anchors))) as builder,
            video.open("rb") as source,
            named.open("w+b") as out,
        ):
            builder.set_no_embed()
            builder.set_remote_url(listener.url)
            builder.sign(signer, "video/mp4", source, out)
        assert listener.url.encode() in named.read_bytes()
        read_carelessly(named, anchors, listener)
        assert listener.asked == ["/there"]

        here, child = C2paReader(anchors).read(named), read_isolated(named, anchors)

        assert (here.state, child.state) == (CredentialState.ABSENT, CredentialState.ABSENT)
        assert "remote manifest" in str(child.detail["note"])
        assert listener.asked == ["/there"]


def test_nobody_is_asked_whether_a_certificate_was_revoked(video: Path, claim: Claim, tmp_path: Path) -> None:
    root = issue("ocsp root", "ocsp", authority=True)
    with listening() as listener:
        leaf = _leaf_with_responder(root, listener.url)
        (tmp_path / "chain.pem").write_text(certificate_pem(leaf[0]))
        (tmp_path / "key.pem").write_text(private_key_pem(leaf[1]))
        anchors, signed = certificate_pem(root[0]), tmp_path / "signed.mp4"
        FileSigner(tmp_path / "chain.pem", tmp_path / "key.pem", anchors).sign(video, signed, claim)
        assert listener.asked == []
        read_carelessly(signed, anchors, listener)
        careless = len(listener.asked)
        assert careless >= 1

        here, child = C2paReader(anchors).read(signed), read_isolated(signed, anchors)

        assert (here.state, child.state) == (CredentialState.TRUSTED, CredentialState.TRUSTED)
        assert len(listener.asked) == careless


def _leaf_with_responder(
    root: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], url: str
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A signing leaf that names an OCSP responder."""
    made, key = issue("ocsp leaf", "ocsp", issuer=root, uses=(CLAIM_SIGNING,))
    builder = (
        x509.CertificateBuilder()
        .subject_name(made.subject)
        .issuer_name(made.issuer)
        .public_key(made.public_key())
        .serial_number(made.serial_number)
        .not_valid_before(made.not_valid_before_utc)
        .not_valid_after(made.not_valid_after_utc)
    )
    for each in made.extensions:
        builder = builder.add_extension(each.value, critical=each.critical)
    responder = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
    builder = builder.add_extension(x509.AuthorityInformationAccess([responder]), critical=False)
    return builder.sign(root[1], hashes.SHA256()), key
