"""Scene lists over HTTP and on the command line."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from PIL import Image
from typer import BadParameter
from typer.testing import CliRunner

from api.cli import app
from tests.api.test_cli import framegate  # noqa: F401 - a fixture
from tests.api.test_videos import SMALL, openai_client, server  # noqa: F401 - fixtures

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


def test_the_openai_client_sends_scenes_and_the_job_is_made_of_them(server, house):  # noqa: F811
    with openai_client(server, house) as ai:
        video = ai.videos.create(prompt="in oil", extra_body={"scenes": ["a tree", "a house"]}, **SMALL)

    assert house.jobs.get(video.id).prompt == "in oil\nScene 1: a tree\nScene 2: a house"
    house.queue.work()
    decisions = house.ledger.decisions(job=video.id)
    assert [each.checkpoint for each in reversed(decisions)] == ["prompt", "output"]


def test_a_word_split_over_two_scenes_is_refused_with_its_places(client, ada):
    body = {"prompt": "", "scenes": ["a pool of bl", "ood"], "seconds": 1, "size": "256x256"}

    answered = client.post("/v1/videos", json=body, headers=ada)

    assert answered.status_code == 400
    found = answered.json()["error"]["x_framegate"]["findings"]
    assert [row["span"] for row in found] == [
        {"start": 10, "end": 12, "scene": 1},
        {"start": 0, "end": 3, "scene": 2},
    ]


def test_texts_are_judged_as_one_storyboard_when_asked(client, ada):
    body = {"input": ["a pool of bl", "ood", "a house"]}

    apart = client.post("/v1/moderations", json=body, headers=ada).json()["results"]
    together = client.post("/v1/moderations", json={**body, "storyboard": True}, headers=ada).json()["results"]

    assert [each["flagged"] for each in apart] == [False, False, False]
    assert [each["flagged"] for each in together] == [True]


@pytest.mark.parametrize("input_", ["a tree", ["a tree", " "], ["a tree"] * 21])
def test_what_is_no_storyboard_is_refused_and_nothing_is_recorded(client, ada, house, input_):
    answered = client.post("/v1/moderations", json={"input": input_, "storyboard": True}, headers=ada)

    assert answered.status_code == 400
    assert house.ledger.decisions() == []


def test_the_command_line_judges_a_prompt_with_its_reference(house, tmp_path, monkeypatch):
    from api.commands import prompts

    monkeypatch.setattr(prompts, "open_house", lambda settings: nullcontext(house))
    pictures = {}
    for colour in ("red", "green"):
        pictures[colour] = tmp_path / f"{colour}.png"
        Image.new("RGB", (320, 200), colour).save(pictures[colour])
    run = CliRunner()

    def check(*arguments):
        done = run.invoke(app, ["check", *arguments, "--json"])
        return done.exit_code, json.loads(done.stdout)

    code, told = check("let it move", "--image", str(pictures["red"]))
    assert (code, told["action"], told["checkpoint"]) == (3, "block", "input")
    assert told["prompt_decision"] != told["decision"]
    assert check("let it move", "--image", str(pictures["green"]))[0] == 0
    assert check("something odd", "--image", str(pictures["green"]))[0] == 4
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    code, told = check("a pool of blood", "--image", str(torn))
    assert (code, told["checkpoint"]) == (3, "prompt")  # of a refused prompt no reference is decoded


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--image", None, "cannot be read: No such file or directory"),
        ("--video", None, "cannot be read: No such file or directory"),
        ("--image", b"plain words", "is no JPEG, PNG or WebP picture; a video is given with --video"),
        ("--video", b"\xff\xd8\xff\xe0", "is a picture; a picture is given with --image"),
    ],
)
def test_what_is_no_such_reference_is_refused_before_anything_is_judged(tmp_path, monkeypatch, option, content, said):
    from api.commands import prompts

    monkeypatch.setattr(prompts, "open_house", lambda settings: pytest.fail("nothing may be judged"))
    path = tmp_path / "given"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadParameter) as refused:
        prompts.check("a calm sea", **{option[2:]: path})

    assert str(refused.value) == f"{option} {path} {said}"


def test_the_command_line_takes_scenes_by_option_file_and_row(framegate, tmp_path):  # noqa: F811
    scenes, rows = tmp_path / "scenes.txt", tmp_path / "rows.jsonl"
    scenes.write_text("a paper boat on a lake\n\na lighthouse at dusk\n")
    rows.write_text(json.dumps({"id": 1, "scenes": ["a paper boat on a lake", "a lighthouse at dusk"]}) + "\n")

    answers = [
        framegate("check", "--scene", "a paper boat on a lake", "--scene", "a lighthouse at dusk", "--json"),
        framegate("check", "--scenes", str(scenes), "--json"),
        framegate("check", "--file", str(rows), "--json"),
    ]

    assert {each.json["subject"] for each in answers} == {answers[0].json["subject"]}
    assert {each.code for each in answers} <= {0, 4}
    assert framegate("check", "--file", str(rows), "--scene", "a tree").code == 2
