"""Who expands prompts is chosen by the settings, and answers say what was drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from api.routes.video_view import refusal
from api.settings import Settings
from api.views import job_view
from api.wiring.generators import chosen_expander, chosen_generator
from generator.base import GeneratorError, Revision
from generator.embedded import EmbeddedGenerator
from safety.domain import Job
from tests.fakes import PaintGenerator
from tests.world import World


def named(expander):
    return type(expander).__name__


def test_the_embedded_generator_fills_in_by_the_seed_and_others_draw_prompts_as_they_are():
    settings = Settings(generator_url="http://gpu/v1", generator_model="m")

    assert named(chosen_expander(Settings(), chosen_generator(Settings()))) == "SceneExpander"
    assert chosen_expander(settings, chosen_generator(settings)) is None


def test_a_language_model_is_chosen_for_any_generator(tmp_path):
    (tmp_path / "config.json").write_text("{}")

    assert named(chosen_expander(Settings(expander=tmp_path), EmbeddedGenerator())) == "LocalExpander"
    both = Settings(expander_url="http://gpu/v1", expander_model="m")
    assert named(chosen_expander(both, PaintGenerator())) == "RemoteExpander"


def test_half_a_configuration_is_refused_with_what_is_missing(tmp_path):
    with pytest.raises(ValidationError, match="FRAMEGATE_EXPANDER_MODEL"):
        Settings(expander_url="http://gpu/v1")
    with pytest.raises(ValidationError, match="no FRAMEGATE_EXPANDER"):
        Settings(expander_url="http://gpu/v1", expander_model="m", expander=tmp_path)
    with pytest.raises(GeneratorError, match="cannot be read"):
        key = tmp_path / "key"
        settings = Settings(expander_url="http://gpu/v1", expander_model="m", expander_key_file=key)
        chosen_expander(settings, PaintGenerator())


def test_a_job_shows_what_was_drawn_and_what_had_no_influence():
    job = Job("video_1", "a ball", 1.0, 256, 256, 0, "local", datetime.now(UTC))
    assert job_view(job)["revised_prompt"] is None

    view = job_view(replace(job, revision=Revision("a big ball", "writer", ("ball",), ("grumpy",))))
    assert (view["revised_prompt"], view["ignored_words"]) == ("a big ball", ["grumpy"])


def test_a_refusal_says_whether_it_is_about_the_prompt_or_its_caption(tmp_path):
    world = World(tmp_path)
    try:
        first = world.gate.check_prompt("blood", job="video_1")
        caption = world.gate.check_prompt("a pool of blood", job="video_1", parent=first.id)
    finally:
        world.close()

    assert refusal(first)["message"].startswith("The prompt was refused.")
    assert refusal(caption)["message"].startswith("The caption that was made of the prompt was refused.")
