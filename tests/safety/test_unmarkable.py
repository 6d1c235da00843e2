"""What happens to a clip that the watermark cannot be put into, or only weakly: the rule of docs/adr/0059."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from api.release_views import release_view
from media.clip import Clip
from provenance.base import Mark, MarkingError
from provenance.watermark import SpreadSpectrumWatermark
from safety.domain import JobStatus
from safety.lookup.record import MAX_PAGE
from tests.fakes import BlockWatermark
from tests.world import World


class Loop(BlockWatermark):
    """A closed loop that ended badly: it raises, or says that the mark did not survive."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        self.fails = fails

    def embed(self, clip: Clip, id_hex: str, *, overwrite: bool = False) -> tuple[Clip, Mark]:
        if self.fails:
            raise MarkingError("the mark cannot be read at 38.2 dB; use a larger, longer or calmer clip")
        marked, mark = super().embed(clip, id_hex, overwrite=overwrite)
        return marked, replace(mark, robust=False)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def with_loop(world, *, fails):
    loop = Loop(fails=fails)
    return replace(world.pipeline, desk=replace(world.desk, watermark=loop))


def test_what_cannot_carry_the_mark_is_not_released_and_nothing_is_left(world, tmp_path):
    with pytest.raises(MarkingError, match="use a larger, longer or calmer clip"):
        with_loop(world, fails=True).run(world.job("a green field"))

    assert world.ledger.release_of_job("video_1") is None
    assert [each.checkpoint.value for each in world.ledger.decisions(job="video_1", limit=MAX_PAGE)] == ["prompt"]
    assert world.signer.claims == []
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_what_carries_it_weakly_is_released_and_says_so_for_good(world):
    outcome = with_loop(world, fails=False).run(world.job("a green field"))

    assert outcome.status is JobStatus.RELEASED
    assert world.ledger.release(outcome.release.id).watermark_robust is False
    assert release_view(outcome.release)["watermark_robust"] is False


def test_a_mark_that_is_gone_from_the_encoded_file_stops_the_release(world):
    desk = replace(world.desk, watermark=BlockWatermark(forgets=True))

    with pytest.raises(Exception, match="nothing is released"):
        replace(world.pipeline, desk=desk).run(world.job("a green field"))
    assert world.ledger.release_of_job("video_1") is None


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 8, 64)])
def test_the_real_loop_refuses_what_is_too_small_to_carry_it(shape):
    count, height, width = shape
    noise = np.random.default_rng(3).integers(0, 255, (count, height, width, 3), dtype=np.uint8)
    clip = Clip(noise, np.arange(count) / 12.0, 12.0)

    with pytest.raises(MarkingError):
        SpreadSpectrumWatermark(b"a key of the test, 32 bytes long").embed(clip, "123456789abc")
