"""XMP in MP4 files: found where it stands, and nothing a stranger writes makes the search long or wrong."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.xmp import read_xmp

UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def packet(inner):
    return f"<x:xmpmeta><rdf:RDF><rdf:Description {inner}/></rdf:RDF></x:xmpmeta>".encode()


FTYP = box(b"ftyp", b"isom\0\0\2\0isom")


@pytest.fixture
def write(tmp_path):
    def write(content):
        (tmp_path / "file.mp4").write_bytes(content)
        return tmp_path / "file.mp4"

    return write


def test_it_is_found_in_a_uuid_box_behind_the_picture_data(write):
    path = write(
        FTYP + box(b"mdat", b"x" * 1000) + box(b"uuid", UUID + packet(f'Iptc4xmpExt:DigitalSourceType="{SYNTHETIC}"'))
    )

    assert read_xmp(path) == {"xmp:digitalsourcetype": SYNTHETIC}


def test_it_is_found_in_the_user_data_of_a_quicktime_file_as_an_element(write):
    inner = f"<Iptc4xmpExt:DigitalSourceType>{SYNTHETIC}</Iptc4xmpExt:DigitalSourceType>"
    inner += "<xmp:CreatorTool><rdf:li>Tool 1</rdf:li></xmp:CreatorTool>"
    path = write(FTYP + box(b"moov", box(b"mvhd", b"0" * 100) + box(b"udta", box(b"XMP_", inner.encode()))))

    assert read_xmp(path) == {"xmp:digitalsourcetype": SYNTHETIC, "xmp:creatortool": "Tool 1"}


def test_a_box_with_a_long_size_is_passed(write):
    long = struct.pack(">I4sQ", 1, b"mdat", 16 + 500) + b"x" * 500

    assert "xmp:creatortool" in read_xmp(write(FTYP + long + box(b"uuid", UUID + packet("xmp:CreatorTool='Y'"))))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no video",
        FTYP,
        FTYP + b"\0\0\0\3moov",
        FTYP + struct.pack(">I4s", 2**31, b"uuid") + UUID,
        FTYP + struct.pack(">I4s", 1, b"mdat"),
    ],
)
def test_files_without_it_or_with_broken_boxes_have_none(write, content):
    assert read_xmp(write(content)) == {}


def test_endless_boxes_are_not_followed(write):
    started = time.process_time()

    assert read_xmp(write(FTYP + box(b"free", b"") * 400_000)) == {}

    assert time.process_time() - started < 5


@given(content=st.binary(max_size=300))
def test_no_bytes_make_it_fail(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("xmp") / "file.mp4"
    path.write_bytes(FTYP + content)

    assert all(len(value) <= 300 for value in read_xmp(path).values())
