"""What a credential tolerates is still noticed: the digest of the released file stands in the record."""

from __future__ import annotations

import struct

import pytest


def boxes(data: bytes) -> dict[str, tuple[int, int]]:
    found, at = {}, 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        found[kind.decode("latin1")] = (at, at + size)
        at += size
    return found


def free_box(data: bytes) -> bytes:
    return data + struct.pack(">I4s", 16, b"free") + b"anything"


def brand(data: bytes) -> bytes:
    """Flip a bit in the last compatible brand."""
    _, end = boxes(data)["ftyp"]
    return data[: end - 1] + bytes([data[end - 1] ^ 1]) + data[end:]


def padding(data: bytes) -> bytes:
    """Flip a bit in the zeros that the signature is padded with."""
    start, end = boxes(data)["uuid"]
    at = data.index(bytes(512), start, end) + 256
    return data[:at] + b"\x01" + data[at + 1 :]


@pytest.fixture
def released(client, ada, house):
    id_ = client.post("/v1/videos", json={"prompt": "a green field", "seconds": 1}, headers=ada).json()["id"]
    house.queue.work()
    return house.ledger.release_of_job(id_)


@pytest.mark.parametrize("change", [free_box, brand, padding])
def test_a_change_that_its_credential_tolerates_is_told(client, house, released, change):
    data = house.blobs.path(released.sha256).read_bytes()
    changed = change(data)
    assert changed != data
    untouched, seen = (
        client.post("/v1/verify", files={"file": ("video.mp4", each)}).json() for each in (data, changed)
    )

    assert (untouched["state"], untouched["exact"]) == ("trusted", True)
    assert (seen["state"], seen["release"], seen["exact"]) == ("trusted", released.id, False)


@pytest.mark.parametrize("box", ["mdat", "moov"])
def test_a_change_of_the_content_is_invalid_and_not_exact(client, house, released, box):
    data = bytearray(house.blobs.path(released.sha256).read_bytes())
    _, end = boxes(bytes(data))[box]
    data[end - 9] ^= 1
    seen = client.post("/v1/verify", files={"file": ("video.mp4", bytes(data))}).json()

    assert seen["state"] == "invalid"
    assert seen["exact"] in {False, None}  # its watermark may still lead to the release


def test_what_is_not_ours_is_neither(client, house, tmp_path):
    import numpy as np

    from media.codec import encode_mp4

    encode_mp4(iter(np.zeros((4, 64, 64, 3), np.uint8)), tmp_path / "other.mp4", fps=12.0)
    seen = client.post("/v1/verify", files={"file": ("o.mp4", (tmp_path / "other.mp4").read_bytes())}).json()

    assert (seen["release"], seen["exact"]) == (None, None)
