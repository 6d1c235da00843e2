"""Good videos come back upright, whole and in order; everything else is refused with a reason."""

from __future__ import annotations

import struct
import wave
import zlib
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from media.codec import Limits, decode, encode_mp4, probe
from media.errors import MediaLimitExceeded, UnreadableMedia

Write = Callable[..., Path]


def decoded(path: Path, limits: Limits = Limits()) -> tuple[list[float], list[np.ndarray]]:  # noqa: B008
    pairs = list(decode(path, limits))
    return [time_s for time_s, _ in pairs], [frame for _, frame in pairs]


def test_probe_describes_what_was_encoded(tmp_path: Path, frames) -> None:
    path = tmp_path / "made.mp4"
    encode_mp4(frames(30), path, fps=29.97, tags={"Title": "a", "framegate_release": "r1"})

    info = probe(path)

    assert (info.width, info.height, info.codec, info.has_audio) == (128, 96, "h264", False)
    assert info.fps == pytest.approx(30000 / 1001)
    assert info.duration_s == pytest.approx(30 * 1001 / 30000, abs=0.01)
    assert info.tags["framegate_release"] == "r1"
    assert info.tags["title"] == "a"


def test_endless_metadata_is_cut(tmp_path: Path, frames) -> None:
    path = tmp_path / "tags.mp4"
    encode_mp4(frames(1), path, fps=10, tags={f"key{number}": "v" * 10_000 for number in range(300)})

    tags = probe(path).tags

    assert len(tags) <= 128
    assert max(map(len, tags.values())) == 4096


def test_every_frame_comes_back_with_its_time_and_colour(tmp_path: Path) -> None:
    """Saturated colours survive: the BT.709 tags are written and honoured."""
    colours = [(200, 40, 30), (20, 180, 60), (30, 40, 210), (128, 128, 128)]
    pictures = [np.full((96, 128, 3), colour, np.uint8) for colour in colours for _ in range(5)]
    path = tmp_path / "colours.mp4"
    encode_mp4(pictures, path, fps=10, crf=10)

    times, found = decoded(path)

    assert times == pytest.approx([index / 10 for index in range(20)])
    for original, copy in zip(pictures, found, strict=True):
        assert np.abs(original.astype(int) - copy).max() <= 4


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "mpeg4"),
        ("a.mkv", "libx265"),
        ("a.webm", "libvpx-vp9"),
        ("a.avi", "mpeg4"),
        ("a.ts", "mpeg2video"),
        ("a.mpg", "mpeg2video"),
    ],
)
def test_each_accepted_container_decodes_every_frame(write_video: Write, name: str, codec: str) -> None:
    if name == "a.mpg":
        path = write_video(name, codec=codec, count=20, stamps=lambda index: index)
    else:
        path = write_video(name, codec=codec, count=20)

    times, found = decoded(path)

    assert len(found) == 20
    assert found[0].shape == (96, 128, 3)
    assert times[0] == 0.0
    assert times[-1] == pytest.approx(19 / 20, abs=0.03)


def test_sound_is_noticed_and_does_no_harm(write_video: Write) -> None:
    path = write_video("sound.mp4", sound=True)

    assert probe(path).has_audio
    assert len(decoded(path)[0]) == 20


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_video_comes_back_upright(write_video: Write, rotation: int) -> None:
    """A phone stores the picture lying down; `rotation` is the counter-clockwise turn that players apply."""
    stored = np.zeros((96, 128, 3), np.uint8)
    stored[:20, :20] = 255
    path = write_video("turned.mp4", rotation=rotation, first_row=stored)

    info, (_, found) = probe(path), decoded(path)

    upright = np.rot90(stored, rotation // 90)
    assert (info.height, info.width) == upright.shape[:2] == found[0].shape[:2]
    assert np.abs(found[0].astype(int) - upright).mean() < 5


def test_times_rise_although_the_stamps_are_negative(write_video: Write) -> None:
    path = write_video("negative.mkv", stamps=lambda index: index - 10)

    times, found = decoded(path)

    assert len(found) == 20
    assert times[0] == 0.0
    assert (np.diff(times) > 0).all()


def test_a_raw_avi_without_time_stamps_gets_times_from_its_rate(write_video: Write) -> None:
    path = write_video("raw.avi", codec="mjpeg", pixel_format="yuvj420p", count=8)

    assert decoded(path)[0] == pytest.approx([index / 20 for index in range(8)])


def test_frames_hidden_by_an_edit_list_are_seen(video: Path) -> None:
    """A player that ignores edit lists would show them."""
    data = bytearray(video.read_bytes())
    entry = data.index(b"elst") + 12
    assert struct.unpack(">I", data[entry - 4 : entry]) == (1,)
    struct.pack_into(">I", data, entry, 100)  # 0.1 s of 2 s
    video.write_bytes(data)

    assert len(decoded(video)[0]) == 40


def test_a_truncated_file_gives_the_frames_it_has(tmp_path: Path, frames) -> None:
    noise = np.random.default_rng(0)
    path = tmp_path / "long.mp4"
    encode_mp4(noise.integers(0, 255, (30, 96, 128, 3), dtype=np.uint8), path, fps=20)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])

    assert 5 < len(decoded(path)[0]) < 30


def test_a_file_cut_before_its_index_is_refused(video: Path) -> None:
    video.write_bytes(video.read_bytes()[:200])

    with pytest.raises(UnreadableMedia):
        probe(video)


def test_a_file_whose_packets_often_do_not_decode_is_refused(write_video: Write) -> None:
    """What our decoder cannot see, another one might show."""
    path = write_video("broken.avi", codec="mjpeg", pixel_format="yuvj420p", count=40)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for position, size in places[1::4]:
        data[position + 8 : position + 8 + size] = bytes(size)
    path.write_bytes(data)

    with pytest.raises(UnreadableMedia, match=r"10 of \d+ packets could not be decoded"):
        decoded(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()

    with pytest.raises(UnreadableMedia, match="empty"):
        probe(path)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="cannot be opened"):
        probe(tmp_path / "absent.mp4")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia):
        probe(tmp_path)


def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.mp4")

    with pytest.raises(UnreadableMedia, match="regular file"):
        probe(tmp_path / "pipe.mp4")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        silence.rate = 16000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))

    with pytest.raises(UnreadableMedia, match="no video stream"):
        probe(path)


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=16000)
        cover = container.add_stream("mjpeg", rate=1)
        cover.height, cover.width, cover.pix_fmt = 96, 128, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        silence.rate = 16000
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
        picture = av.VideoFrame.from_ndarray(np.zeros((96, 128, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(picture.reformat(format="yuvj420p")))
        container.mux(cover.encode(None))

    with pytest.raises(UnreadableMedia, match="no video stream"):
        probe(path)


def test_a_wav_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))

    with pytest.raises(UnreadableMedia):
        probe(path)


def test_a_concat_script_never_reads_its_sibling(video: Path, tmp_path: Path) -> None:
    """FFmpeg by itself would play the sibling."""
    path = tmp_path / "playlist.mp4"
    path.write_text(f"ffconcat version 1.0\nfile {video.name}\n")
    with av.open(str(path), container_options={"safe": "0"}) as container:
        assert len(list(container.decode(video=0))) == 40, "the trap works without our guard"

    with pytest.raises(UnreadableMedia):
        probe(path)


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8"])
def test_an_hls_playlist_is_refused(video: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{video.name}\n#EXT-X-ENDLIST\n")

    with pytest.raises(UnreadableMedia):
        probe(path)


def test_a_dash_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.mp4"
    path.write_text('<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period/></MPD>')

    with pytest.raises(UnreadableMedia):
        probe(path)


def test_a_gif_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", format="gif") as container:
        stream = container.add_stream("gif", rate=10)
        stream.height, stream.width, stream.pix_fmt = 32, 32, "rgb8"
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture.reformat(format="rgb8")))
        container.mux(stream.encode(None))
    assert path.read_bytes().startswith(b"GIF8")

    with pytest.raises(UnreadableMedia):
        probe(path)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((1 + (width + 7) // 8) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [32, 16384])
def test_a_png_is_refused_whatever_its_size(tmp_path: Path, side: int) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(png(side, side))
    assert cv2.imdecode(np.frombuffer(png(32, 32), np.uint8), cv2.IMREAD_COLOR) is not None, "it is a picture"

    with pytest.raises(UnreadableMedia):
        probe(path)


def test_a_16k_picture_in_an_avi_is_refused_before_it_is_decoded(write_video: Write) -> None:
    path = write_video("bomb.avi", codec="mjpeg", pixel_format="yuvj420p", count=2)
    data = bytearray(path.read_bytes())
    header = data.index(b"strf") + 8
    assert struct.unpack_from("<ii", data, header + 4) == (128, 96)
    struct.pack_into("<ii", data, header + 4, 16384, 16384)
    at = data.index(b"\xff\xc0") + 5  # the picture's own header: start of frame
    assert struct.unpack_from(">HH", data, at) == (96, 128)
    for _ in range(2):
        struct.pack_into(">HH", data, at, 16384, 16384)
        at = data.find(b"\xff\xc0", at) + 5
        if at < 5:
            break
    path.write_bytes(data)

    with pytest.raises(MediaLimitExceeded, match="9437184 pixels"):
        probe(path)


def test_a_frame_larger_than_the_limit_is_refused(video: Path) -> None:
    with pytest.raises(MediaLimitExceeded, match="128x96"):
        probe(video, Limits(max_pixels=128 * 96 - 1))
    assert probe(video, Limits(max_pixels=128 * 96)).width == 128


def test_a_video_longer_than_the_limit_is_refused(video: Path) -> None:
    with pytest.raises(MediaLimitExceeded, match=r"1\.5 s"):
        probe(video, Limits(max_duration_s=1.5))


def test_a_video_that_understates_its_length_is_stopped_while_decoding(write_video: Write) -> None:
    path = write_video("liar.mkv", count=40)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # Matroska Duration, 8-byte float in milliseconds
    struct.pack_into(">d", data, at, 100.0)
    path.write_bytes(data)
    limits = Limits(max_duration_s=1.0)
    probe(path, limits)

    with pytest.raises(MediaLimitExceeded, match="runs past"):
        decoded(path, limits)


def test_too_large_a_file_is_refused(video: Path) -> None:
    with pytest.raises(MediaLimitExceeded, match="bytes"):
        probe(video, Limits(max_file_bytes=100))


def test_a_second_video_stream_is_refused_because_it_would_go_unseen(write_video: Write) -> None:
    with pytest.raises(MediaLimitExceeded, match="2 video streams"):
        probe(write_video("two.mkv", videos=2))


def test_too_many_streams_are_refused(write_video: Write) -> None:
    with pytest.raises(MediaLimitExceeded, match="3 streams"):
        probe(write_video("three.mkv", videos=2, sound=True), Limits(max_streams=2))


def test_a_video_without_frames_is_refused(tmp_path: Path, video: Path) -> None:
    path = tmp_path / "none.mkv"
    with av.open(str(video)) as source, av.open(str(path), "w") as container:
        container.add_stream_from_template(source.streams.video[0])
        container.start_encoding()

    with pytest.raises(UnreadableMedia):
        probe(path)


def test_a_real_video_with_the_wrong_extension_is_decoded(video: Path) -> None:
    renamed = video.rename(video.with_suffix(".txt"))

    assert len(decoded(renamed)[0]) == 40


def test_text_called_mp4_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_text("Dear reader,\n" * 500)

    with pytest.raises(UnreadableMedia, match=r"letter\.mp4"):
        probe(path)


def test_a_codec_outside_the_list_is_refused(write_video: Write) -> None:
    path = write_video("rare.avi", codec="huffyuv", pixel_format="yuv422p")

    with pytest.raises(UnreadableMedia, match="codec"):
        probe(path)
