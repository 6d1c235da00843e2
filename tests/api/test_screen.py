"""`framegate screen` as a reviewer meets it: what was seen, when, how sure, what was not, and a sheet to look at."""

from __future__ import annotations

import contextlib
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

import api.commands.screen
from api.cli import main
from classifiers.catalog import Absent, Catalog
from media.codec import encode_mp4
from tests.fakes import FrameRedness

FPS = 12


def film(path, planted=()):
    frames = []
    for index in range(5 * FPS):
        frame = np.full((96, 128, 3), 90, np.uint8)
        frame[:, index * 2 % 128] = 200
        if index in planted:
            frame[24:56, 40:88] = (230, 20, 20)
        frames.append(frame)
    encode_mp4(frames, path, fps=FPS)
    return path


@pytest.fixture
def screen(house, monkeypatch, capsys):
    """The command, in a house whose only classifier of frames sees red and whose other one is missing."""
    house.clip_catalog = Catalog((FrameRedness(),), (Absent("gore", frozenset({"frame.gore"}), "nobody made one"),))

    @contextlib.contextmanager
    def open_house(_settings):
        yield house

    monkeypatch.setattr(api.commands.screen, "open_house", open_house)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "screen", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, " ".join(told.err.split())

    return run


def test_the_report_says_what_was_seen_when_and_how_sure(screen, tmp_path):
    code, out, told = screen(film(tmp_path / "v.mp4", range(24, 32)))

    assert (code, out) == (3, "")
    assert "v.mp4: refused at output" in told
    assert "0:02.00–0:02.67 violence → block" in told
    assert "frame.red 0.98 (the rule begins at 0.6, strongest at 0:02.00)" in told
    assert "in 31–69 % of the width and 25–58 % of the height" in told
    assert "No violence." in told


def test_the_report_says_what_was_not_looked_at_and_not_measured(screen, tmp_path):
    _, _, told = screen(film(tmp_path / "v.mp4"))

    assert "nothing found by what could be measured" in told
    assert "frames, in 5 of 5 seconds of 0:05.00 (sampled" in told
    assert "longest unseen stretch 0.50 s" in told
    assert "not measured frame.gore: nobody made one" in told
    assert "below every rule frame.red 0.00 (from 0.6)" in told


def test_every_frame_is_looked_at_on_request(screen, tmp_path):
    path = film(tmp_path / "v.mp4", [31])

    code, out, _ = screen(path, "--full", "--json")

    view = json.loads(out)
    assert code == 3
    assert view["coverage"]["frames"] == {"seen": 60, "total": 60}
    (finding,) = view["findings"]
    assert finding["span"]["start_s"] == pytest.approx(31 / FPS, abs=0.002)
    assert finding["span"]["end_s"] == pytest.approx(32 / FPS, abs=0.002)


def test_the_json_names_a_blurred_still_that_is_kept(screen, house, tmp_path):
    _, out, _ = screen(film(tmp_path / "v.mp4", range(24, 32)), "--json")

    view = json.loads(out)
    (finding,) = view["findings"]
    assert view["file"].endswith("v.mp4")
    still = np.asarray(Image.open(io.BytesIO(house.stills.read(finding["still"]))))
    sharpest = max(np.abs(np.diff(still.astype(int), axis=axis)).max() for axis in (0, 1))
    assert still.shape[:2] == (96, 128)
    assert int(still[40, 64, 0]) - int(still[40, 64, 1]) > 60  # the red patch is still red ...
    assert sharpest < 60  # ... and has no edge any more: 140 in the video


def test_nothing_is_kept_of_what_passes(screen, tmp_path):
    _, out, _ = screen(film(tmp_path / "v.mp4"), "--json")

    assert json.loads(out)["findings"] == []
    assert "still" not in out


def red(picture):
    wide = picture.astype(int)
    return (wide[..., 0] - wide[..., 1] > 120) & (wide[..., 0] > 225)


def test_the_sheet_shows_the_whole_video_and_blurs_what_was_flagged_or_stands_near(screen, tmp_path):
    path = film(tmp_path / "v.mp4", range(24, 32))
    pictures = []
    for name, *clear in (("blurred.png",), ("clear.png", "--clear")):
        _, _, told = screen(path, "--sheet", tmp_path / name, *clear)
        assert f"contact sheet: {tmp_path / name}" in told
        pictures.append(np.asarray(Image.open(tmp_path / name)))

    assert pictures[0].shape == pictures[1].shape
    assert pictures[0].shape[1] > 6 * 240
    assert pictures[0].shape[0] > 4 * 180
    assert 0 < red(pictures[0]).sum() < 0.7 * red(pictures[1]).sum()


def test_a_sheet_that_cannot_be_written_is_an_error_of_its_own(screen, tmp_path):
    code, _, told = screen(film(tmp_path / "v.mp4"), "--sheet", tmp_path / "nowhere" / "sheet.png")

    assert code == 1
    assert "sheet.png:cannotbewritten" in "".join(told.split()), "a long path is broken into lines anywhere"
