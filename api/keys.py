"""Keys and certificates of the house: those that the settings name, or ones made once for development.

Made keys stand in `$FRAMEGATE_HOME/keys` with mode 0600. Settings refuse them in production.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from api.settings import Environment, Settings
from provenance.aws_kms import SCHEME as AWS
from provenance.aws_kms import AwsKey
from provenance.base import CredentialSigner, SignerUnusable
from provenance.certificates import DevelopmentPki, create_development_pki
from provenance.chain import Algorithm, algorithm_of, load_private_key
from provenance.expiry import Validity, validities
from provenance.key_service import ServiceKey, is_service
from provenance.pkcs11 import SCHEME, HardwareKey, KeyPlace
from provenance.rotating import Change, RotatingSigner
from provenance.signatures import SignBytes, sign_with
from provenance.signers import CallbackSigner, TimestampPolicy, UnsafeDevelopmentSigner
from safety.checkpoints import LogKey, LogPublicKey
from safety.cosignatures import WitnessKey
from safety.errors import GalleryLocked, LedgerError, SealBroken
from safety.people import GalleryKey

LOG_NAME = "framegate/ledger"
"""Origin of the log in signed checkpoints."""

SECRET_BYTES = 32


def ledger_key(settings: Settings) -> LogKey:
    """Return the key that signs ledger checkpoints.

    Raises:
        LedgerError: it cannot be read.
    """
    if settings.ledger_key is not None:
        return LogKey.load(settings.ledger_key)
    path = _folder(settings) / "ledger.key"
    return LogKey.load(path) if path.exists() else LogKey.create(path, LOG_NAME)


def former_ledger_keys(settings: Settings) -> tuple[LogPublicKey, ...]:
    """Return the public keys that signed this ledger before its key was changed.

    Raises:
        LedgerError: the file cannot be read, or a line of it is no verifier key.
    """
    if settings.ledger_former_keys is None:
        return ()
    try:
        lines = settings.ledger_former_keys.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"the former keys {settings.ledger_former_keys} cannot be read: {error}") from error
    return tuple(LogPublicKey.parse(line) for line in lines if line.strip())


def witness_keys(settings: Settings) -> tuple[WitnessKey, ...]:
    """Return the keys of the witnesses whose cosignatures are taken.

    Raises:
        LedgerError: the file cannot be read, or a line of it is no key of a witness.
    """
    if settings.ledger_witnesses is None:
        return ()
    try:
        lines = settings.ledger_witnesses.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"the witnesses {settings.ledger_witnesses} cannot be read: {error}") from error
    return tuple(WitnessKey.parse(line) for line in lines if line.strip())


def watermark_key(settings: Settings) -> bytes:
    """Return the secret of the watermark.

    Raises:
        SignerUnusable: it cannot be read, or is too short to be a secret.
    """
    return _secret(settings, settings.watermark_key, "watermark.key", "watermark key", SignerUnusable)


def subject_key(settings: Settings) -> bytes:
    """Return the key that the keys of subjects are sealed with. Never change it: without it nothing sealed opens.

    Raises:
        SealBroken: it cannot be read, or is too short to be a secret.
    """
    return _secret(settings, settings.subject_key, "subjects.key", "key of subjects", SealBroken)


def _secret(settings: Settings, named: Path | None, file: str, what: str, error_of: type[Exception]) -> bytes:
    path = named or _folder(settings) / file
    if named is None and not path.exists():
        _make_secret(path)
    try:
        key = path.read_bytes()
    except OSError as error:
        raise error_of(f"the {what} {path} cannot be read: {error.strerror}") from error
    if len(key) < SECRET_BYTES:
        raise error_of(f"the {what} {path} has {len(key)} bytes; it needs {SECRET_BYTES}")
    return key


def _make_secret(path: Path) -> None:
    """Write a new secret, whole or not at all; of two processes that try at once, the first one's stays."""
    draft = path.with_suffix(f".{os.getpid()}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(SECRET_BYTES))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def gallery_key(settings: Settings, *, in_use: bool) -> GalleryKey:
    """Return the key that seals known persons; `in_use`: somebody is enrolled already, so none may be made.

    Raises:
        GalleryLocked: it is missing, cannot be read, or is too short to be a secret.
    """
    path = settings.gallery_key or _folder(settings) / "gallery.key"
    if settings.gallery_key is None and not path.exists():
        if in_use:
            raise GalleryLocked(
                f"persons are enrolled and their key {path} is missing: put it back, or name it in "
                "FRAMEGATE_GALLERY_KEY; without it nobody can be recognised, only removed"
            )
        if settings.environment is Environment.PRODUCTION:
            raise GalleryLocked("in production FRAMEGATE_GALLERY_KEY names the file that seals known persons: set it")
        _make_secret(path)
    try:
        return GalleryKey(path.read_bytes())
    except OSError as error:
        raise GalleryLocked(f"the gallery's key {path} cannot be read: {error.strerror}") from error


def anchors_pem(settings: Settings) -> str:
    """Return the roots whose credentials read as trusted.

    Raises:
        SignerUnusable: the file cannot be read.
    """
    return _read_pem(settings.trust_anchors or _development_pki(settings).root_pem, "the trust anchors")


class Anchors:
    """The roots as they are in their file now, and as they were while that file is being changed."""

    def __init__(self, settings: Settings) -> None:
        """Read them for the first time; raises as `anchors_pem`."""
        self._settings = settings
        self._last = anchors_pem(settings)

    def __call__(self) -> str:
        """Return them as PEM."""
        with suppress(SignerUnusable):
            self._last = anchors_pem(self._settings)
        return self._last


def signing_chain_pem(settings: Settings) -> str:
    """Return the certificate chain that signs: leaf, then intermediates.

    Raises:
        SignerUnusable: the file cannot be read.
    """
    return _read_pem(settings.signer_chain or _development_pki(settings).chain_pem, "the signing chain")


def _read_pem(path: Path, what: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SignerUnusable(f"{what} {path} cannot be read: {error}") from error


def certificates(settings: Settings) -> list[Validity]:
    """Return until when the signing chain and the anchors are valid; raises as those."""
    return validities(signing_chain_pem(settings), anchors_pem(settings))


def signer(settings: Settings, told: Callable[[Change], None] = lambda _: None) -> CredentialSigner:
    """Return the signer that the settings name, or the development signer with its warning.

    The configured one takes up new files by itself; `told` is told of each change of them.

    Raises:
        SignerUnusable: chain, key or anchors cannot be read.
    """
    if settings.signer_chain is None or not settings.signer_key or settings.trust_anchors is None:
        return UnsafeDevelopmentSigner(
            _development_pki(settings),
            timestamp_url=settings.timestamp_url or None,
            timestamp_policy=TimestampPolicy(settings.timestamp_policy),
        )
    watched = [settings.signer_chain, settings.trust_anchors]
    if not settings.signer_key.startswith((SCHEME, AWS)) and not is_service(settings.signer_key):
        watched.append(Path(settings.signer_key))
    return RotatingSigner(lambda: _configured_signer(settings), watched, told)


def _configured_signer(settings: Settings) -> CredentialSigner:
    chain_pem, anchors = signing_chain_pem(settings), anchors_pem(settings)
    name, sign_bytes = signing_key(settings.signer_key, algorithm_of(chain_pem), settings)
    return CallbackSigner(
        name,
        chain_pem,
        sign_bytes,
        anchors,
        timestamp_url=settings.timestamp_url or None,
        timestamp_policy=TimestampPolicy(settings.timestamp_policy),
    )


def signing_key(place: str, algorithm: Algorithm, settings: Settings) -> tuple[str, SignBytes]:
    """Return what kind of place a key is in, and the function that signs with it.

    Raises:
        SignerUnusable: the place cannot be meant, or a key on the disk cannot be read.
    """
    if place.startswith(SCHEME):
        return "pkcs11", HardwareKey(KeyPlace.parse(place), algorithm).sign
    if is_service(place) or place.startswith(AWS):
        if settings.signer_token_file is None:
            raise SignerUnusable("a key in a key service needs FRAMEGATE_SIGNER_TOKEN_FILE")
        if place.startswith(AWS):
            return "aws", AwsKey(place, algorithm, settings.signer_token_file, settings.signer_ca_file).sign
        key = ServiceKey(place, algorithm, settings.signer_token_file, settings.signer_ca_file)
        return place.partition("+")[0], key.sign
    try:
        return "file", sign_with(load_private_key(Path(place).read_text()))
    except (OSError, ValueError) as error:
        # The place is not repeated: somebody may have put the key itself there.
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SignerUnusable(
            f"the place of the signing key, {len(place)} characters, is neither a `pkcs11:` URI nor a key service, and "
            f"as a file it cannot be read: {why}"
        ) from None


def _development_pki(settings: Settings) -> DevelopmentPki:
    folder = _folder(settings) / "pki"
    pki = DevelopmentPki.at(folder)
    return pki if pki.root_pem.exists() else create_development_pki(folder)


def _folder(settings: Settings) -> Path:
    settings.keys_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return settings.keys_folder
