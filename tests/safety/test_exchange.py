"""Files of hash-sharing programmes are read whole or not at all, and what we write we read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.known_frames import KnownFrame
from safety.banks import BankItem, NewItem, digest_of, pack, unpack
from safety.errors import InvalidContent
from safety.exchange import FORMATS, read_items, write_items
from tests.safety.making import NOON

HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
OTHER = "0" * 63 + "1"
VPDQ = json.dumps([f"{HASH},80,0.000", f"{OTHER},50,1.250"])


def one(text: str) -> NewItem:
    (item,) = read_items(text).items
    return item


@pytest.mark.parametrize(
    "text",
    [
        HASH,
        f"pdq {HASH}\n",
        f"\ufeffpdq {HASH.upper()}\r\n\r\n",
        f"hash\n{HASH}\n",
        f"type,indicator\nHASH_PDQ,{HASH}\n",
        json.dumps({"data": [{"id": "", "indicator": HASH, "type": "HASH_PDQ", "status": "MALICIOUS"}]}),
        json.dumps([{"indicator": HASH, "type": "HASH_PDQ"}]),
        json.dumps({"pdq": HASH}),
        json.dumps({"content": [{"signals": {"pdq": HASH}}]}),
    ],
)
def test_a_picture_is_read_from_every_form(text: str) -> None:
    assert one(text) == NewItem("", (KnownFrame(HASH),))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"data": [{"id": "7", "indicator": VPDQ, "type": "HASH_VIDEO_VPDQ"}]}),
        json.dumps({"content": [{"id": 7, "signals": {"vpdq": VPDQ}}]}),
        json.dumps({"content": [{"id": 9, "signals": {"vpdq": json.loads(VPDQ)}, "metadata": {"content_id": "7"}}]}),
        'id,type,indicator\n7,HASH_VIDEO_VPDQ,"' + VPDQ.replace('"', '""') + '"\n',
    ],
)
def test_a_video_keeps_its_seconds_and_what_its_owner_calls_it(text: str) -> None:
    assert one(text) == NewItem("7", (KnownFrame(HASH, 0.0, 80), KnownFrame(OTHER, 1.25, 50)))


def test_other_types_and_harmless_indicators_are_counted_and_not_taken() -> None:
    entries = [
        {"indicator": "d41d8cd98f00b204e9800998ecf8427e", "type": "HASH_MD5"},
        {"indicator": HASH, "type": "HASH_PDQ", "status": "NON_MALICIOUS"},
        {"indicator": HASH, "type": "HASH_PDQ", "should_delete": True},
        {"indicator": OTHER, "type": "HASH_PDQ", "status": "SUSPICIOUS"},
    ]
    reading = read_items(json.dumps({"data": entries}))

    assert [item.frames[0].hash_hex for item in reading.items] == [OTHER]
    assert (reading.other_types, reading.harmless) == (1, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no signal"),
        ("\n \n", "no signal"),
        (f"{HASH}\n{HASH[:-1]}\n", "line 2"),
        (f"pdq {HASH}\npdq nothing\n", "line 2"),
        (f"id,indicator\n1,{HASH},more\n", "line 2"),
        ("{", "begins like JSON"),
        (json.dumps({"data": 3}), "no list"),
        (json.dumps({"data": [3]}), "entry 1"),
        (json.dumps({"data": [{"name": "x"}]}), "entry 1"),
        (json.dumps({"content": [{"signals": {"vpdq": '["zz,50,0"]'}}]}), "64 hex"),
        (json.dumps({"content": [{"signals": {"vpdq": f'["{HASH},101,0"]'}}]}), "quality"),
        (json.dumps({"content": [{"signals": {"vpdq": f'["{HASH},50,-1"]'}}]}), "quality"),
        (json.dumps({"content": [{"signals": {"vpdq": f'["{HASH},50,nan"]'}}]}), "quality"),
        (json.dumps({"content": [{"signals": {"vpdq": f'["{HASH},50"]'}}]}), "vPDQ"),
        (json.dumps({"content": [{"signals": {"vpdq": "[]"}}]}), "1 to"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(InvalidContent, match=says):
        read_items(text)


hashes = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
sources = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)
pictures = st.builds(lambda each: (KnownFrame(each),), hashes)
seconds = st.integers(0, 4 * 3600).map(lambda quarter: quarter / 4)
videos = st.lists(st.builds(KnownFrame, hashes, seconds, st.integers(0, 100)), min_size=2, max_size=5).map(tuple)


@given(st.lists(st.tuples(sources, pictures | videos), min_size=1, max_size=5), st.sampled_from(FORMATS))
def test_what_is_written_is_read_back(items: list[tuple[str, tuple[KnownFrame, ...]]], format_: str) -> None:
    banked = [BankItem(f"known_{at}", "bank", source, frames, NOON) for at, (source, frames) in enumerate(items)]

    read = read_items("".join(write_items(banked, format_))).items

    assert [each.frames for each in read] == [each.frames for each in banked]
    marked = [f"'{each.source}" if each.source[:1] in tuple("=+-@") else each.source for each in banked]
    expected = marked if format_ == "csv" else [each.source for each in banked]
    assert [each.source for each in read] == [source or each.id for source, each in zip(expected, banked, strict=True)]


def test_no_other_format_is_written() -> None:
    with pytest.raises(InvalidContent, match="csv, threatexchange, hma"):
        next(write_items([], "xml"))


@given(pictures | videos)
def test_packing_keeps_frames(frames: tuple[KnownFrame, ...]) -> None:
    assert unpack(pack(frames)) == frames
    assert digest_of(unpack(pack(frames))) == digest_of(frames)
