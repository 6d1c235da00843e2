"""Uploads that are hard to look at: measured with their coverage told, unmeasured, or refused. Never called clean."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from classifiers.base import MeasurementError, Score, TimeSpan
from media.clip import Clip
from media.errors import UnreadableMedia
from media.limits import DEFAULT_LIMITS
from provenance.base import Credential, CredentialState
from safety.domain import Action, Origin
from safety.known import ReleaseIndex
from safety.origin_windows import MAX_WINDOWS
from safety.scan import Scanner
from tests.fakes import BlockWatermark, FixedReader
from tests.world import World


class Estimate:
    """A forensic classifier that keeps what it saw, and like the real one needs four frames of 128 pixels."""

    name = "forensics"
    version = "1"
    accepts = Clip
    signals = frozenset({"video.synthetic"})

    def __init__(self) -> None:
        self.seen = []

    def score(self, content: Clip) -> list[Score]:
        if len(content.frames) < 4:
            raise MeasurementError(f"{len(content.frames)} frames are too few to estimate origin")
        self.seen.append(content)
        return [Score("video.synthetic", 0.1, TimeSpan(content.start_s, content.end_s))]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def scanner(world):
    reader = FixedReader(Credential(CredentialState.ABSENT))
    return Scanner(world.gate, reader, BlockWatermark(), ReleaseIndex(world.ledger), Estimate(), DEFAULT_LIMITS)


def picture(at, height=144, width=192):
    ramp = np.linspace(20, 230, width, dtype=np.uint8)[None, :].repeat(height, axis=0)
    frame = np.dstack([ramp, ramp[:, ::-1], np.full_like(ramp, 90)])
    frame[: height // 3, : width // 2] = (250, 250, 20)
    return np.roll(frame, 3 * at, axis=1)


def write(
    path,
    count=32,
    *,
    stamps=lambda at: at,
    rate=8,
    codec="libx264",
    pixels="yuv420p",
    options=(),
    rotation=0,
    still=False,
):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.pix_fmt = 144, 192, pixels
        stream.options = {"crf": "20", "preset": "ultrafast", **dict(options)}
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
        if rotation:
            stream.set_display_rotation(rotation)
        for at in range(count):
            frame = av.VideoFrame.from_ndarray(picture(0 if still else at), format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = stamps(at), Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_one_frame_is_unmeasured_and_held(scanner, tmp_path):
    report, decision = scanner.scan(write(tmp_path / "one.mp4", count=1))

    assert report.origin is Origin.UNKNOWN
    assert report.score is None
    assert report.coverage.frames_seen == 1
    assert {gap.signal for gap in report.unmeasured} >= {"video.synthetic", "origin.likely_synthetic"}
    assert decision.verdict.action is Action.REVIEW


def test_static_slides_are_looked_at_like_any_video(scanner, tmp_path):
    report, _ = scanner.scan(write(tmp_path / "slides.mp4", count=80, still=True))

    assert report.score == pytest.approx(0.1)
    assert report.coverage.longest_gap_s <= 0.5


def test_ten_hours_cost_a_bounded_number_of_windows_and_the_coverage_is_told(scanner, tmp_path):
    path = write(tmp_path / "long.mp4", count=900, stamps=lambda at: at * 40, rate=1)

    report, _ = scanner.scan(path)

    assert report.coverage.duration_s > 9.9 * 3600
    assert report.coverage.frames_seen <= report.coverage.frames_total == 900
    assert report.coverage.longest_gap_s >= 40
    assert len(report.timeline) <= MAX_WINDOWS
    assert len(scanner.forensics.seen) <= 3 * MAX_WINDOWS
    assert report.timeline[-1].span.end_s > 0.8 * report.coverage.duration_s
    assert len(report.pictures) <= 8


def test_a_variable_frame_rate_keeps_its_times(scanner, tmp_path):
    stamps = np.cumsum([1, 1, 1, 8] * 10).tolist()
    report, _ = scanner.scan(write(tmp_path / "variable.mp4", count=40, stamps=lambda at: stamps[at]))

    assert report.coverage.duration_s == pytest.approx((stamps[-1] - stamps[0] + 1) / 8, abs=0.6)
    assert report.timeline[-1].span.end_s == pytest.approx((stamps[-1] - stamps[0]) / 8, abs=0.2)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_phone_video_is_seen_upright(scanner, tmp_path, rotation):
    scanner.scan(write(tmp_path / "phone.mp4", rotation=rotation))

    height, width = scanner.forensics.seen[0].frames.shape[1:3]
    assert (height > width) == (rotation != 180)


def test_ten_bits_are_seen_as_eight(scanner, tmp_path):
    report, _ = scanner.scan(write(tmp_path / "ten.mp4", pixels="yuv420p10le"))

    (first, *_) = scanner.forensics.seen
    assert report.coverage.frames_total == 32
    assert np.abs(first.frames[0].astype(int) - picture(0)).mean() < 12


def test_interlaced_video_is_seen(scanner, tmp_path):
    path = write(tmp_path / "interlaced.mp4", options={"x264-params": "interlaced=1"}.items())

    report, _ = scanner.scan(path)

    assert report.coverage.frames_total == 32
    assert report.score is not None


def test_sound_alone_is_refused_and_nothing_is_recorded(scanner, tmp_path, world):
    with av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        silence.rate, silence.pts = 16000, 0
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))

    with pytest.raises(UnreadableMedia, match="no video stream"):
        scanner.scan(tmp_path / "sound.m4a")

    assert world.ledger.size() == 0


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "words"),
    [
        ("torn.avi", "mjpeg", "yuvj420p", "declares 7.5 s and only"),
        ("torn.mkv", "libx264", "yuv420p", "no frame could be decoded"),
    ],
)
def test_a_corrupt_middle_that_the_container_skips_is_unmeasured_and_held(
    scanner, tmp_path, name, codec, pixels, words
):
    report, decision = scanner.scan(
        torn(write(tmp_path / name, 60, codec=codec, pixels=pixels, options={"g": "8"}.items()))
    )

    assert report.coverage.frames_total < 60
    reasons = {gap.signal: gap.reason for gap in report.unmeasured}
    assert words in reasons["video.synthetic"]
    assert words in reasons["origin.likely_synthetic"]
    assert decision.verdict.action is Action.REVIEW


def test_a_corrupt_middle_that_the_decoder_trips_over_is_refused(scanner, tmp_path, world):
    with pytest.raises(UnreadableMedia, match="could not be decoded"):
        scanner.scan(torn(write(tmp_path / "torn.mp4", 60, options={"g": "8"}.items())))

    assert world.ledger.size() == 0


def torn(path):
    """Write noise over the middle third."""
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = np.random.default_rng(0).integers(0, 255, third, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    return path
