"""`POST /v1/verify` of a webm: its manifest comes with it, as `framegate verify` finds it beside the file."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import av
import numpy as np
import pytest

from provenance.base import Claim
from provenance.sidecar import MAX_SIDECAR_BYTES, sidecar_of

CLAIM = Claim(
    title="out.webm",
    release="rel_none",
    decision="dec_none",
    policy="sha256:none",
    generator="test",
    generator_version="1",
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    provider="test",
    watermark_alg="",
    watermark="",
)


@pytest.fixture
def signed(house, tmp_path):
    """A webm and its manifest, in bytes."""
    source, out = tmp_path / "in.webm", tmp_path / "out.webm"
    frames = np.random.default_rng(1).integers(0, 256, (6, 64, 96, 3), dtype=np.uint8)
    with av.open(str(source), "w", format="webm") as container:
        stream = container.add_stream("libvpx-vp9", rate=12)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    house.signer.sign(source, out, CLAIM)
    return out.read_bytes(), sidecar_of(out).read_bytes()


def verified(client, *files):
    return client.post("/v1/verify", files=[(name, (f"sent.{name}", data)) for name, data in files])


def test_with_its_manifest_it_is_trusted_and_without_it_carries_nothing(client, signed):
    video, manifest = signed
    both, alone = verified(client, ("file", video), ("manifest", manifest)), verified(client, ("file", video))

    assert (both.status_code, alone.status_code) == (200, 200), both.text + alone.text
    assert (both.json()["state"], both.json()["source_types"]) == ("trusted", ["trainedAlgorithmicMedia"])
    assert alone.json()["state"] == "absent"


def test_the_manifest_of_another_file_is_invalid(client, signed):
    video, manifest = signed
    changed = video[:-9] + bytes([video[-9] ^ 1]) + video[-8:]
    answer = verified(client, ("file", changed), ("manifest", manifest)).json()

    assert answer["state"] == "invalid"
    assert "assertion.dataHash.mismatch" in answer["failures"]


def test_junk_for_a_manifest_is_an_error_and_never_absence(client, signed):
    answer = verified(client, ("file", signed[0]), ("manifest", b"junk" * 100))

    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("file", b"\x00\x00\x00\x18ftypisom" + bytes(64)), ("manifest", b"x")], "webm and Matroska only"),
        ([("manifest", b"x")], "in the field `file`"),
        ([("file", b"\x1a\x45\xdf\xa3webm"), ("manifest", b"x"), ("manifest", b"y")], "one file in the field"),
        ([("file", b"\x1a\x45\xdf\xa3webm"), ("sidecar", b"x")], "only `file` and `manifest` are taken"),
    ],
)
def test_what_is_sent_wrongly_is_told(client, files, words):
    answer = verified(client, *files)

    assert answer.status_code in {400, 422}
    assert words in answer.text


def test_a_manifest_that_is_too_large_is_refused_before_it_is_read(client, signed, monkeypatch):
    monkeypatch.setattr("api.uploads.MAX_SIDECAR_BYTES", len(signed[1]) - 1)
    answer = client.post("/v1/verify", files={"file": io.BytesIO(signed[0]), "manifest": io.BytesIO(signed[1])})

    assert answer.status_code in {400, 422}
    assert f"larger than the {len(signed[1]) - 1} bytes" in answer.text
    assert len(signed[1]) <= MAX_SIDECAR_BYTES


def test_a_manifest_is_for_verifying_only(client, ada, signed):
    answer = client.post(
        "/v1/scans", files={"file": io.BytesIO(signed[0]), "manifest": io.BytesIO(signed[1])}, headers=ada
    )

    assert answer.status_code in {400, 422}
    assert "only `file` is taken" in answer.text
