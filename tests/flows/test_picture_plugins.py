"""Classifiers of pictures from the plug-in file: offered to the policy, built for the gate, unmeasured on failure."""

from __future__ import annotations

import numpy as np
import pytest

from api.settings import Settings
from api.wiring import House, configured_rows, offered_signals
from classifiers import catalog
from classifiers.base import ConfigurationError
from classifiers.plugin_file import read_plugin_file
from media.clip import Clip
from media.codec import encode_mp4
from safety.domain import Checkpoint
from safety.measure import measure_video
from safety.policy import load_policy
from tests.frame_checkpoints import make_clip, make_videomae, make_vit
from tests.judge_server import JudgeServer, running

BLOCKS = """
[[frame_classifier]]
name = "gore"
model = "./vit"
labels = { gore = "frame.gore" }
multi_label = false

[[frame_classifier]]
name = "fights"
model = "./videomae"
reads = "sequence"
labels = { fight = "video.temporal.fight" }
multi_label = false

[[zero_shot]]
name = "asked"
model = "./clip"
words = { "frame.blood" = ["a picture of blood"] }
categories = { violence = "frame.violence" }
benign = ["people walking"]

[[frame_judge]]
name = "eyes"
family = "shieldgemma2"
base_url = "ADDRESS"
model = "guard"
signals = { hate = "frame.hate" }
"""
SIGNALS = {"frame.gore", "video.temporal.fight", "frame.blood", "frame.violence", "frame.hate"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugins")
    for name, make in (("vit", make_vit), ("videomae", make_videomae), ("clip", make_clip)):
        (folder / name).mkdir()
        make(folder / name)
    return folder


def write(folder, address="http://127.0.0.1:9/v1", blocks=BLOCKS):
    path = folder / "plugins.toml"
    path.write_text(blocks.replace("ADDRESS", address), encoding="utf-8")
    return path


def test_their_signals_are_offered_at_the_output_and_the_input_and_never_at_the_prompt(folder):
    offered = offered_signals(load_policy(), configured_rows(write(folder)))

    assert offered[Checkpoint.OUTPUT] >= SIGNALS
    assert offered[Checkpoint.INPUT] >= SIGNALS
    assert not offered[Checkpoint.PROMPT] & SIGNALS


def test_a_video_is_measured_by_all_of_them_and_a_judge_that_is_away_is_unmeasured(folder, tmp_path):
    frames = [np.random.default_rng(at).integers(0, 255, (64, 64, 3), dtype=np.uint8) for at in range(6)]
    encode_mp4(frames, tmp_path / "noise.mp4", fps=12.0)
    clauses = {each.id: each.clause for each in load_policy().categories.values()}
    rows = configured_rows(write(folder), lambda: clauses)
    house = House(Settings(home=tmp_path))

    built = catalog.build({"gore", "fights", "asked", "eyes"}, accepts=Clip, configured=rows).for_clips()
    said = measure_video(built, (), tmp_path / "noise.mp4", limits=house.limits, plan=house.sampling).measurement

    assert {score.signal for score in said.scores} == SIGNALS - {"frame.hate"}
    assert [gap.signal for gap in said.unmeasured] == ["frame.hate"]
    assert {name for name, _ in said.classifiers} == {"gore", "fights", "asked", "eyes"}
    for classifier in built:
        if hasattr(classifier, "close"):
            classifier.close()


def test_a_judge_that_answers_is_heard(folder):
    with running(JudgeServer()) as server:
        rows = configured_rows(write(folder, server.base_url), lambda: {"hate": "No slurs.", "violence": "No gore."})
        (eyes,) = catalog.build({"eyes"}, accepts=Clip, configured=rows).for_clips()
        server.say = lambda _: {
            "choices": [
                {
                    "message": {"content": "No"},
                    "finish_reason": "stop",
                    "logprobs": {"content": [{"top_logprobs": [{"token": "No", "logprob": -0.01}]}]},
                }
            ]
        }
        (score,) = eyes.score(Clip(np.zeros((1, 64, 64, 3), np.uint8), np.zeros(1), 24.0))
        eyes.close()

    assert score.value == 0.0
    assert "No slurs." in str(server.asked)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('reads = "sequence"', 'reads = "sound"'), "frame_classifier 'fights': reads"),
        (('benign = ["people walking"]', "benign = []"), "zero_shot 'asked': benign"),
        (('family = "shieldgemma2"', 'family = "oracle"'), "frame_judge 'eyes': family"),
        (('name = "eyes"', 'name = "weapons"'), "takes the name"),
        (('name = "eyes"', 'name = "gore"'), "takes the name"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_block_and_key(folder, change, says):
    path = write(folder, blocks=BLOCKS.replace(*change))

    with pytest.raises(ConfigurationError, match=says):
        catalog.known_signals(accepts=Clip, configured=configured_rows(path))


def test_the_blocks_of_text_and_pictures_stand_in_one_file(folder):
    file = read_plugin_file(write(folder))

    assert [block.name for block in file.blocks] == ["gore", "fights", "asked", "eyes"]
