"""Judges that see pictures are asked over real HTTP; what they do not answer in their own way is unmeasured."""

from __future__ import annotations

import base64
import json
from io import BytesIO

import numpy as np
import pytest
import skimage.data
from PIL import Image

from classifiers.base import ConfigurationError, MeasurementError, TimeSpan
from classifiers.frame_blocks import FrameJudgeBlock
from classifiers.vision_judge import VisionJudge
from media.clip import Clip
from tests.judge_server import JudgeServer, completion, running, send

FRAMES = np.stack([skimage.data.astronaut()[:300, :400]] * 3 + [skimage.data.coffee()[:300, :400]] * 3)
CLIP = Clip(FRAMES, np.arange(6) / 2, 24.0)
CLAUSES = {"violence": "No gore.", "hate": "No slurs."}


@pytest.fixture
def server():
    with running(JudgeServer()) as server:
        yield server


def judge(server, family, signals, **changes):
    given = {"name": "eyes", "family": family, "base_url": server.base_url, "model": "guard", "signals": signals}
    return VisionJudge(FrameJudgeBlock(**{**given, "frames": 2, "seconds": 5.0, **changes}), CLAUSES)


def picture_of(asked) -> np.ndarray:
    content = asked["messages"][0]["content"]
    url = content[0]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    return np.asarray(Image.open(BytesIO(base64.b64decode(url.split(",")[1]))))


def test_shieldgemma_is_asked_about_each_clause_and_frame_and_the_first_token_is_its_probability(server):
    def say(asked):
        dark = picture_of(asked).mean() < 110
        clause = asked["messages"][0]["content"][1]["text"]
        yes = 0.8 if dark and "No gore." in clause else 0.1
        return completion("Yes", first={"Yes": yes, "No": 1 - yes})

    server.say = say
    eyes = judge(server, "shieldgemma2", {"violence": "frame.gore", "hate": "frame.hate"}, side=128)
    scores = {score.signal: score for score in eyes.score(CLIP)}
    eyes.close()

    assert len(server.asked) == 4
    assert {max(picture_of(asked).shape) for asked in server.asked} == {128}
    dark = [float(frame.mean()) < 110 for frame in (FRAMES[0], FRAMES[5])]
    assert any(dark)
    assert scores["frame.gore"].value == pytest.approx(0.8)
    time_s = 0.0 if dark[0] else 2.5
    assert scores["frame.gore"].span == TimeSpan(time_s, time_s)
    assert scores["frame.gore"].detail == "judge:violence frames:2/6"
    assert scores["frame.hate"].value == pytest.approx(0.1)


def test_llava_guard_and_llama_guard_name_their_categories(server):
    server.say = lambda _: json.dumps({"rating": "Unsafe", "category": "O2: Violence", "rationale": "…"})
    llava = judge(server, "llavaguard", {"O2": "frame.gore", "O3": "frame.sexual"})
    assert {score.signal: score.value for score in llava.score(CLIP)} == {"frame.gore": 0.9, "frame.sexual": 0.0}
    server.say = lambda _: '{"rating": "Unsafe", "category": "something new"}'
    assert {score.value for score in llava.score(CLIP)} == {0.9}, "unsafe for a reason nobody knows counts everywhere"

    server.say = lambda _: "unsafe\nS1"
    llama = judge(server, "llama_guard_vision", {"S1": "frame.gore", "S3": "frame.sexual"}, worth_unsafe=0.7)
    assert {score.signal: score.value for score in llama.score(CLIP)} == {"frame.gore": 0.7, "frame.sexual": 0.0}
    llava.close()
    llama.close()


@pytest.mark.parametrize("family", ["shieldgemma2", "llavaguard", "llama_guard_vision"])
@pytest.mark.parametrize("said", ["I cannot help with that.", "{}", '{"rating": 3}'])
def test_another_answer_is_unmeasured(server, family, said):
    server.say = lambda _: said
    code = {"shieldgemma2": "violence", "llavaguard": "O2", "llama_guard_vision": "S1"}[family]
    eyes = judge(server, family, {code: "frame.gore"})

    with pytest.raises(MeasurementError):
        eyes.score(CLIP)
    eyes.close()


def test_a_server_that_fails_or_is_away_is_unmeasured(server):
    server.break_with = lambda request: send(request, b"{}", status=503)
    eyes = judge(server, "llama_guard_vision", {"S1": "frame.gore"})
    with pytest.raises(MeasurementError, match="503"):
        eyes.score(CLIP)
    server.break_with = lambda _: server.going_down.wait(20)
    late = judge(server, "llama_guard_vision", {"S1": "frame.gore"}, seconds=0.3)
    with pytest.raises(MeasurementError, match="within"):
        late.score(CLIP)
    eyes.close()
    late.close()


def test_unknown_codes_and_categories_are_refused(server):
    with pytest.raises(ConfigurationError, match="no category 'weather'"):
        judge(server, "shieldgemma2", {"weather": "frame.x"})
    with pytest.raises(ConfigurationError, match="has no 'O12'"):
        judge(server, "llavaguard", {"O12": "frame.x"})
    with pytest.raises(ConfigurationError, match="key_file"):
        judge(server, "llavaguard", {"O1": "frame.x"}, key_file="/nowhere")
