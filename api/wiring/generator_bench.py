"""The generator in service on the bench: does it do what it is told? Passes no gate; nothing is recorded or kept.

For the embedded small world only: another generator draws other things than the probe can read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from api.wiring.generators import chosen_generator
from generator.base import GenerationRequest
from generator.training.abilities import MEASURES, abilities
from generator.training.probe import probe
from generator.training.render_clips import render

if TYPE_CHECKING:
    from api.settings import Settings
    from generator.training.render_clips import Example
    from media.clip import Frames

SIDE = 128
SECONDS = 2.0


def measure_generator(
    settings: Settings, prompts: int, clips: int, *, truth: bool, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Return k, n, share and interval of every slot over held-out prompts, and medians for every capability.

    `truth`: measure true renders instead, the ceiling of the measurement.
    """
    generator = chosen_generator(settings)
    done, total = 0, prompts + (0 if truth else clips * len(MEASURES))
    started = time.process_time()

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    def make(wanted: Example, number: int) -> Frames:
        tick()
        if truth:
            return render(wanted.scene, wanted.layout, SIDE, SIDE, 16)
        return generator.generate(GenerationRequest(wanted.scene.caption, SECONDS, SIDE, SIDE, number)).frames

    followed = probe(make, prompts)
    cpu_s = (time.process_time() - started) / prompts
    return {
        "generator": "renderer" if truth else generator.name,
        "version": None if truth else generator.version,
        "prompts": {slot: {name: round(value, 4) for name, value in each.items()} for slot, each in followed.items()},
        "capabilities": abilities(generator, clips, tick) if clips and not truth else {},
        "cpu_s_per_clip": round(cpu_s, 3),
    }
