"""Whether somebody else's reader of C2PA agrees with ours about files that we signed, and about what was done to them.

    npm ci --prefix benchmarks/referee && python -m benchmarks.referee

The referee is `@trustnxt/c2pa-ts`, pure TypeScript, code that shares nothing with the library we sign and read with.
It knows no trust list, so it is asked whether a file holds, not whom it trusts. Exit code 0 only if both agree on all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from media.codec import encode_mp4
from media.stills import thumbnail_jpeg
from provenance.base import ClaimInput, CredentialState, CredentialUnreadable, InputRelation
from provenance.certificates import certificate_pem, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING, SigningKey
from provenance.credentials import C2paReader
from provenance.signers import FileSigner
from provenance.specimen import specimen_claim

HERE = Path(__file__).parent / "referee"
ROOT = issue("root", "referee", authority=True)
USES = (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
"""The referee knows the second one only."""


def main() -> None:
    """Make the files, ask both readers, and compare."""
    if shutil.which("node") is None or not (HERE / "node_modules").is_dir():
        sys.exit("the referee needs Node 20 and `npm ci --prefix benchmarks/referee`")
    with tempfile.TemporaryDirectory(prefix="framegate-bench-") as name:
        made = list(files(Path(name)))
        reader = C2paReader(certificate_pem(ROOT[0]))
        ours = {path: _holds(reader, path) for path, _ in made}
        command = ["node", "read.mjs", *(str(path) for path, _ in made)]
        told = subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout
    theirs = {Path(row["file"]): row for row in map(json.loads, told.splitlines())}
    wrong = 0
    for path, due in made:
        row = theirs[path]
        agreed = ours[path] == row["valid"] == due
        wrong += not agreed
        print(f"{'agree   ' if agreed else 'DISAGREE'} {path.name:18} ours {ours[path]!s:5} theirs {row['valid']!s:5} "
              f"{', '.join(row['failures'])}")  # fmt: skip
    print(f"{len(made) - wrong} of {len(made)} agree")
    sys.exit(1 if wrong else 0)


def files(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield each file, and whether its credential has to hold."""
    signer = signer_of(folder, "signer", issue("signer", "referee", issuer=ROOT, uses=USES))
    plain, other = video(folder / "plain.mp4", 1), video(folder / "another.mp4", 2)
    signer.sign(plain, folder / "valid.mp4", specimen_claim())
    signer.sign(other, folder / "valid2.mp4", specimen_claim())
    (folder / "still.jpg").write_bytes(thumbnail_jpeg(folder / "valid.mp4"))
    parent = ClaimInput(folder / "valid.mp4", InputRelation.PARENT, "valid.mp4")
    signer.sign(folder / "still.jpg", folder / "signed.jpg", replace(specimen_claim(), inputs=(parent,)))
    signer.sign(other, folder / "extended.mp4", replace(specimen_claim(), inputs=(parent,)))
    yield from ((folder / name, True) for name in ("valid.mp4", "valid2.mp4", "signed.jpg", "extended.mp4"))
    valid = (folder / "valid.mp4").read_bytes()
    for name, kind in (("flipped.mp4", b"mdat"), ("renamed.mp4", b"moov")):
        yield written(folder / name, _flipped(valid, valid.index(kind) + 40)), False
    signed = (folder / "signed.jpg").read_bytes()
    yield written(folder / "flipped.jpg", _flipped(signed, len(signed) - 40)), False
    moved = (
        (folder / "valid2.mp4")
        .read_bytes()
        .replace(_credential(folder / "valid2.mp4"), _credential(folder / "valid.mp4"))
    )
    yield written(folder / "transplanted.mp4", moved), False
    yield plain, False
    yield expired(folder, plain), False


def expired(folder: Path, plain: Path) -> Path:
    """Sign with a certificate that ends in some seconds, and wait for that."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    leaf = issue("short", "referee", issuer=ROOT, uses=USES, days=1, not_before=end - timedelta(days=1))
    signer_of(folder, "short", leaf).sign(plain, folder / "expired.mp4", specimen_claim())
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 1)
    return folder / "expired.mp4"


def signer_of(folder: Path, name: str, leaf: tuple[x509.Certificate, SigningKey]) -> FileSigner:
    """Return a signer with this leaf."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_text(certificate_pem(leaf[0]))
    key.write_text(private_key_pem(leaf[1]))
    return FileSigner(chain, key, certificate_pem(ROOT[0]))


def video(path: Path, seed: int) -> Path:
    """Write half a second of noise."""
    frames = np.random.default_rng(seed).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    encode_mp4(iter(frames), path, fps=12.0)
    return path


def written(path: Path, data: bytes) -> Path:
    """Write a file and return it."""
    path.write_bytes(data)
    return path


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _credential(path: Path) -> bytes:
    data = path.read_bytes()
    at = data.index(b"uuid") - 4
    return data[at : at + int.from_bytes(data[at : at + 4], "big")]


def _holds(reader: C2paReader, path: Path) -> bool:
    try:
        return reader.read(path).state is CredentialState.TRUSTED
    except CredentialUnreadable:
        return False


if __name__ == "__main__":
    main()
