from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from media.codec import encode_mp4
from media.errors import UnreadableMedia
from media.stills import spritesheet_jpeg, thumbnail_jpeg


def film(path, count, width=640, height=320):
    """Frames that brighten from black to white."""
    levels = np.linspace(0, 255, count).astype(np.uint8)
    encode_mp4((np.full((height, width, 3), level, np.uint8) for level in levels), path, fps=8.0, crf=18)
    return path


def grey(picture, x, y):
    return picture.convert("L").getpixel((x, y))


def test_a_thumbnail_is_the_middle_frame_made_small(tmp_path):
    picture = Image.open(io.BytesIO(thumbnail_jpeg(film(tmp_path / "v.mp4", 33))))

    assert (picture.format, picture.size) == ("JPEG", (512, 256))
    assert 100 < grey(picture, 256, 128) < 155


def test_a_sheet_shows_the_whole_length_in_reading_order(tmp_path):
    picture = Image.open(io.BytesIO(spritesheet_jpeg(film(tmp_path / "v.mp4", 60))))

    assert picture.size == (5 * 192, 5 * 96)
    levels = [grey(picture, column * 192 + 96, row * 96 + 48) for row in range(5) for column in range(5)]
    assert levels == sorted(levels)
    assert levels[0] < 15
    assert levels[-1] > 240


@pytest.mark.parametrize(("count", "size"), [(1, (192, 96)), (3, (3 * 192, 96)), (7, (5 * 192, 2 * 96))])
def test_a_sheet_of_few_frames_has_few_tiles(tmp_path, count, size):
    assert Image.open(io.BytesIO(spritesheet_jpeg(film(tmp_path / "v.mp4", count)))).size == size


@pytest.mark.parametrize("make", [thumbnail_jpeg, spritesheet_jpeg])
def test_what_is_no_video_gives_no_picture(tmp_path, make):
    (tmp_path / "v.mp4").write_bytes(b"junk" * 100)

    with pytest.raises(UnreadableMedia):
        make(tmp_path / "v.mp4")
