"""Signs files with C2PA and proves each result: temporary file, sign, read again as Trusted, then put in place.

The key may be anywhere: `CallbackSigner` is given a function that signs bytes (a hardware module, a key service),
`FileSigner` reads a PEM key, `UnsafeDevelopmentSigner` says in the log at every start what it is.
Does not decide what may be signed and keeps no record of it.
"""

from __future__ import annotations

import io
import logging
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from c2pa import Builder, C2paError, C2paSigningAlg, Signer  # type: ignore[import-untyped]

from media.kinds import HEAD_BYTES, media_type_of, sidecar_type_of
from provenance.base import Claim, Credential, CredentialState, CredentialUnreadable, SignerUnusable, SigningError
from provenance.certificates import DevelopmentPki
from provenance.chain import algorithm_of, check_chain, load_private_key, signer_id
from provenance.credentials import C2paReader, ProcessContext, trust_settings
from provenance.manifest import THUMBNAIL, ingredient_for, manifest_for
from provenance.sidecar import sidecar_of, write_sidecar
from provenance.signatures import SignBytes, checked, sign_with
from provenance.specimen import specimen_claim, write_specimen
from provenance.stamp_clock import stamp_fault
from provenance.streams import WitnessedFile, put_in_place, require_room

_LOG = logging.getLogger(__name__)

MERKLE_FROM_BYTES = 256 * 1024**2
"""Files from this size on are hashed piece by piece (a Merkle tree in the manifest): a gigabyte then takes some 40 MB
of memory instead of 550. Smaller ones are not, because not every reader knows such manifests."""


class TimestampPolicy(StrEnum):
    """What happens when the time-stamp authority does not answer."""

    REQUIRED = "required"
    BEST_EFFORT = "best_effort"


class CallbackSigner:
    """A CredentialSigner whose key is behind a function. One may be shared between threads and survives fork.

    Args:
        name: what the ledger calls it.
        chain_pem: leaf, then intermediates.
        sign_bytes: makes a signature with the leaf's key, by the algorithm that goes with it.
        anchors_pem: roots of the signer and of its time-stamp authority; what is signed must be Trusted by them.
        timestamp_url: an RFC 3161 authority; None signs without a time stamp.
        timestamp_policy: whether a missing time stamp fails the signing.
    """

    def __init__(
        self,
        name: str,
        chain_pem: str,
        sign_bytes: SignBytes,
        anchors_pem: str,
        *,
        timestamp_url: str | None = None,
        timestamp_policy: TimestampPolicy = TimestampPolicy.REQUIRED,
    ) -> None:
        self._name = name
        self._chain_pem = chain_pem
        self._anchors_pem = anchors_pem
        self._timestamp_url = timestamp_url
        self._timestamp_policy = timestamp_policy
        algorithm = algorithm_of(chain_pem)
        self._sign_bytes = checked(sign_bytes, chain_pem, algorithm)
        self._algorithm = C2paSigningAlg[algorithm.value]
        self._context = ProcessContext(trust_settings(anchors_pem))
        self._merkle_context = ProcessContext(trust_settings(anchors_pem, merkle=True))
        self._reader = C2paReader(anchors_pem, frozenset({signer_id(chain_pem)}))

    @property
    def name(self) -> str:
        """Return the name the ledger knows this signer by."""
        return self._name

    def sign(self, source: Path, destination: Path, claim: Claim) -> Credential:
        """Write the signed copy atomically and return its re-read Credential, which is Trusted.

        Of webm and Matroska the copy is the file itself, and its manifest lies beside it (`provenance.sidecar`).
        `Credential.detail["timestamp"]` is `trusted`, `none` (no authority configured) or `unavailable` (best effort).

        Raises:
            SigningError: nothing is at `destination`, or what was there before still is.
        """
        manifest_for(claim)  # a claim that cannot be made fails before a file is
        try:
            require_room(source, destination)
            descriptor, name = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}.", suffix=".part")
            os.close(descriptor)
        except OSError as error:
            raise SigningError(f"{destination.name} cannot be signed: {error.strerror or error}") from error
        part = Path(name)
        try:
            stamp, credential = self._signed(source, part, claim)
            if sidecar_of(part).exists():
                put_in_place(sidecar_of(part), sidecar_of(destination))
            put_in_place(part, destination)
        except OSError as error:
            raise SigningError(f"{destination.name} cannot be written: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)
            sidecar_of(part).unlink(missing_ok=True)
        return replace(credential, detail={**credential.detail, "timestamp": stamp, "signed_by": self._name})

    def self_test(self) -> None:
        """Check the chain, then sign and re-read a one-frame video.

        Raises:
            SignerUnusable: with the certificate fault in words.
        """
        self._check_certificates()
        with tempfile.TemporaryDirectory(prefix="framegate-self-test-") as folder:
            source, signed = Path(folder) / "frame.mp4", Path(folder) / "signed.mp4"
            write_specimen(source)
            try:
                self.sign(source, signed, specimen_claim())
            except SigningError as error:
                raise SignerUnusable(f"the signer {self._name!r} failed its self-test: {error}") from error

    def _check_certificates(self) -> None:
        check_chain(self._chain_pem, None, datetime.now(UTC), self._anchors_pem)

    def _signed(self, source: Path, part: Path, claim: Claim) -> tuple[str, Credential]:
        if source.stat().st_size >= MERKLE_FROM_BYTES:
            try:
                return self._sign_with_policy(source, part, claim, merkle=True)
            except SigningError as error:  # the library cannot hash every layout piece by piece (two mdat boxes)
                _LOG.warning("%s cannot be signed piece by piece, so it takes more memory: %s", source.name, error)
        return self._sign_with_policy(source, part, claim)

    def _sign_with_policy(
        self, source: Path, part: Path, claim: Claim, *, merkle: bool = False
    ) -> tuple[str, Credential]:
        if self._timestamp_url is None:
            self._write_signed(source, part, claim, None, merkle=merkle)
            return "none", self._verified(part)
        try:
            self._write_signed(source, part, claim, self._timestamp_url, merkle=merkle)
            credential = self._verified(part)
            if (fault := stamp_fault(credential.signed_at, datetime.now(UTC))) is not None:
                raise SigningError(fault)
            return "trusted", credential
        except SigningError as error:
            if self._timestamp_policy is TimestampPolicy.REQUIRED:
                raise
            _LOG.warning("signing without a time stamp; the authority failed: %s", error)
        self._write_signed(source, part, claim, None, merkle=merkle)
        return "unavailable", self._verified(part)

    def _write_signed(self, source: Path, part: Path, claim: Claim, timestamp_url: str | None, *, merkle: bool) -> None:
        raised: list[Exception] = []

        def sign_bytes(data: bytes) -> bytes:
            try:
                return self._sign_bytes(data)
            except Exception as error:  # the library swallows it: kept, and raised again below
                raised.append(error)
                raise

        with source.open("rb") as reading, WitnessedFile.create(part) as writing:
            head = reading.read(HEAD_BYTES)
            embedded = media_type_of(head)
            media_type = embedded or sidecar_type_of(head)
            if media_type is None:
                raise SigningError(f"{source.name} is of a kind that no credential can be written for; use mp4 or webm")
            reading.seek(0)
            try:
                context = self._merkle_context if merkle else self._context
                signer = Signer.from_callback(sign_bytes, self._algorithm, self._chain_pem, timestamp_url)
                with signer, Builder(manifest_for(claim), context.get()) as builder:
                    add_inputs(builder, claim)
                    if embedded is None:
                        builder.set_no_embed()
                    store = builder.sign(signer, media_type, reading, writing)
                if embedded is None:
                    write_sidecar(part, store)
            except C2paError as error:
                if writing.failure is not None:
                    raise writing.failure from error
                if raised:
                    raise SigningError(f"the key refused to sign: {raised[0]}") from raised[0]
                raise SigningError(f"{source.name} could not be signed: {error}") from error

    def _verified(self, part: Path) -> Credential:
        try:
            credential = self._reader.read(part)
        except CredentialUnreadable as error:
            raise SigningError(f"the signed file cannot be read back: {error}") from error
        if credential.state is not CredentialState.TRUSTED:
            faults = ", ".join(credential.failures) or "no failure code"
            raise SigningError(f"the signed file reads as {credential.state}, not trusted ({faults})")
        return credential


class FileSigner(CallbackSigner):
    """Signs with an unencrypted PEM key from disk.

    Raises:
        SignerUnusable: chain or key cannot be read.
    """

    def __init__(
        self,
        chain_path: Path,
        key_path: Path,
        anchors_pem: str,
        *,
        name: str = "file",
        timestamp_url: str | None = None,
        timestamp_policy: TimestampPolicy = TimestampPolicy.REQUIRED,
    ) -> None:
        try:
            chain_pem, self._key_pem = chain_path.read_text(), key_path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SignerUnusable(f"the signing chain or key cannot be read: {error}") from error
        super().__init__(
            name,
            chain_pem,
            sign_with(load_private_key(self._key_pem)),
            anchors_pem,
            timestamp_url=timestamp_url,
            timestamp_policy=timestamp_policy,
        )

    def _check_certificates(self) -> None:
        check_chain(self._chain_pem, self._key_pem, datetime.now(UTC), self._anchors_pem)


class UnsafeDevelopmentSigner(FileSigner):
    """Signs with a chain made on this machine: nobody outside trusts it. Never for production."""

    def __init__(
        self,
        pki: DevelopmentPki,
        *,
        timestamp_url: str | None = None,
        timestamp_policy: TimestampPolicy = TimestampPolicy.REQUIRED,
    ) -> None:
        _LOG.warning(
            "UNSAFE development signer in use: its certificate was made on this machine; others read its releases "
            "as from an unknown issuer; configure a certificate from an authority before production"
        )
        try:
            anchors_pem = pki.root_pem.read_text()
        except OSError as error:
            raise SignerUnusable(f"the development root cannot be read: {error}") from error
        super().__init__(
            pki.chain_pem,
            pki.key_pem,
            anchors_pem,
            name="development",
            timestamp_url=timestamp_url,
            timestamp_policy=timestamp_policy,
        )


def add_inputs(builder: Builder, claim: Claim) -> None:
    """Give a builder what the claim's manifest refers to: its ingredients with their own manifests, and a thumbnail.

    Raises:
        SigningError: an input is of a kind that cannot be an ingredient.
        OSError: an input cannot be read.
    """
    for number, each in enumerate(claim.inputs):
        with each.path.open("rb") as file:
            media_type = media_type_of(file.read(16))
            if media_type is None:
                raise SigningError(
                    f"the input {each.title!r} is of a kind that no credential can refer to; use mp4, png"
                )
            file.seek(0)
            builder.add_ingredient(ingredient_for(each, number), media_type, file)
    if claim.thumbnail:
        builder.add_resource(THUMBNAIL, io.BytesIO(claim.thumbnail))
