"""Videos made from pictures and videos: judged at the input gate, then used."""

from __future__ import annotations

import base64
import io

import numpy as np
import openai
import pytest
from PIL import Image

from generator.base import Capability
from media.codec import encode_mp4
from safety.domain import Checkpoint, JobStatus
from tests.api.test_videos import SMALL, ai, create, server, working  # noqa: F401 - fixtures

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

GREEN, RED = (60, 160, 60), (230, 20, 20)


def picture(colour=GREEN, size=(64, 64)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def video(folder, colour=GREEN, seconds=1.0) -> bytes:
    path = folder / "clip.mp4"
    frames = np.full((round(8 * seconds), 64, 64, 3), colour, np.uint8)
    frames[:, 20:40, 20:40] = 128
    encode_mp4(iter(frames), path, fps=8)
    return path.read_bytes()


def post(client, headers, path="", files=(), **fields):
    return client.post(f"/v1/videos{path}", data={"prompt": "a field", **fields}, files=files, headers=headers)


def shelved(house):
    root = house.shelf.root
    return [path for path in root.rglob("*") if path.is_file()] if root.exists() else []


# ---- OpenAI's client ----------------------------------------------------------------------


def test_the_openai_client_animates_a_picture_that_passed_the_input_gate(ai, house):  # noqa: F811
    with working(house):
        made = ai.videos.create_and_poll(prompt="a field", input_reference=("still.png", picture()), **SMALL)

    assert (made.status, made.error) == ("completed", None)
    asked = house.generator.calls[-1]
    assert asked.capability is Capability.ANIMATE
    assert tuple(asked.keyframes[0].picture[0, 0]) == GREEN
    given = house.ledger.effective(made.id, Checkpoint.INPUT)
    assert given.id in house.ledger.release_of_job(made.id).decisions
    assert shelved(house) == []


def test_the_openai_client_is_told_that_its_picture_is_refused_and_nothing_is_made_of_it(ai, house):  # noqa: F811
    with working(house):
        made = ai.videos.create_and_poll(prompt="a field", input_reference=("still.png", picture(RED)), **SMALL)

    assert (made.status, made.error.code) == ("failed", "moderation_blocked")
    assert "picture or video" in made.error.message
    assert house.generator.calls == []
    assert house.ledger.release_of_job(made.id) is None
    assert shelved(house) == []


def test_the_openai_client_edits_extends_and_remixes(ai, house, tmp_path):  # noqa: F811
    with working(house):
        first = ai.videos.create_and_poll(prompt="a green field", **SMALL)
        edited = ai.videos.edit(prompt="a blue field", video=("clip.mp4", video(tmp_path)))
        extended = ai.videos.extend(prompt="a field", seconds="2", video=("clip.mp4", video(tmp_path)))
        remixed = ai.videos.remix(first.id, prompt="a blue field")
        for each in (edited, extended, remixed):
            assert ai.videos.poll(each.id).status == "completed"

    calls = {call.capability: call for call in house.generator.calls}
    assert len(calls[Capability.EXTEND].source.frames) == 8
    assert calls[Capability.EXTEND].seconds == 2
    assert len(house.generator.calls) == 4
    assert ai.videos.retrieve(remixed.id).remixed_from_video_id == first.id
    assert house.ledger.effective(remixed.id, Checkpoint.INPUT).parent == house.ledger.release_of_job(first.id).id
    assert (remixed.size, edited.size) == (first.size, "512x512")


# ---- what else can be asked for -----------------------------------------------------------


def test_loops_stills_and_pictures_between_which_is_filled_in(client, ada, house):
    files = [("keyframes", ("a.png", picture())), ("keyframes", ("b.png", picture((60, 60, 160))))]
    fields = {"keyframe_seconds": ["0", "0.5"], **SMALL}
    assert post(client, ada, files=files, **fields).status_code == 200
    assert post(client, ada, loop="true", **SMALL).status_code == 200
    assert post(client, ada, still="true", **SMALL).status_code == 200
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    assert create(client, ada, input_reference={"image_url": url}).status_code == 200

    house.queue.work()

    asked = [call.capability for call in house.generator.calls]
    assert asked == [Capability.FILL, Capability.LOOP, Capability.IMAGE, Capability.ANIMATE]
    assert [each.at_s for each in house.generator.calls[0].keyframes] == [0.0, 0.5]
    assert {job.status for job in house.jobs.list()} == {JobStatus.RELEASED}


def test_an_extension_backward_by_id_starts_from_the_released_file(client, ada, house):
    first = create(client, ada).json()["id"]
    house.queue.work()

    body = {"prompt": "a field", "video": {"id": first}, "seconds": 1, "direction": "backward"}
    answered = client.post("/v1/videos/extensions", json=body, headers=ada)
    house.queue.work()

    assert answered.json()["x_framegate"]["capability"] == "extend_backward"
    assert answered.json()["size"] == SMALL["size"]
    assert house.jobs.get(answered.json()["id"]).status is JobStatus.RELEASED


def test_what_was_not_released_or_is_somebody_elses_cannot_be_started_from(client, ada, bob):
    waiting = create(client, ada).json()["id"]

    def extend(headers):
        return client.post("/v1/videos/extensions", json={"prompt": "a", "video": {"id": waiting}}, headers=headers)

    assert extend(ada).status_code == 409
    assert extend(bob).status_code == 404
    assert client.post(f"/v1/videos/{waiting}/remix", json={"prompt": "a"}, headers=ada).status_code == 409


# ---- bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name", "data", "words"),
    [
        ("", "input_reference", b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
        ("", "input_reference", b"nothing", ""),
        ("/edits", "video", picture(), "a video is due"),
        ("/extensions", "video", picture(), "a video is due"),
        ("/extensions", "video", b"", ""),
        ("/edits", "input_reference", picture(), "no file is taken"),
        ("", "keyframes", picture(), "keyframe_seconds"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(client, ada, house, path, name, data, words):
    answered = post(client, ada, path, files=[(name, ("a", data))])

    assert answered.status_code == 400
    assert words in answered.json()["error"]["message"]
    assert house.queue.waiting == []
    assert house.ledger.decisions() == []
    assert shelved(house) == []


def test_a_video_where_a_picture_is_due_and_a_bomb_are_refused(client, ada, house, tmp_path):
    moving = post(client, ada, files=[("input_reference", ("a.png", video(tmp_path)))])
    bomb = post(client, ada, files=[("input_reference", ("a.png", picture(size=(6000, 6000))))])

    assert (moving.status_code, bomb.status_code) == (400, 413)
    assert "picture is due" in moving.json()["error"]["message"]
    assert shelved(house) == []


def test_a_video_that_is_too_long_is_refused_not_cut(client, ada, house, tmp_path):
    answered = post(client, ada, "/edits", files=[("video", ("a.mp4", video(tmp_path, seconds=21)))])

    assert answered.status_code == 400
    assert "at most 20 s" in answered.json()["error"]["message"]
    assert house.queue.waiting == []


def test_a_refused_prompt_keeps_nothing_of_its_picture(client, ada, house):
    answered = post(client, ada, prompt="a pool of blood", files=[("input_reference", ("a.png", picture()))])

    assert answered.json()["error"]["code"] == "moderation_blocked"
    assert shelved(house) == []


def test_what_the_generator_cannot_do_is_refused_before_the_prompt_is_judged(client, ada, house):
    house.generator.capabilities = frozenset({Capability.TEXT})

    answered = post(client, ada, loop="true")

    assert answered.status_code == 400
    assert answered.json()["error"]["code"] == "unsupported_request"
    assert house.ledger.decisions() == []


def test_a_repeated_request_leaves_no_picture_behind_and_another_picture_is_another_request(client, ada, house):
    keyed = {**ada, "idempotency-key": "once"}
    ids = set()
    for _ in range(2):
        ids.add(post(client, keyed, files=[("input_reference", ("a.png", picture()))], **SMALL).json()["id"])
        house.queue.work()
    other = post(client, keyed, files=[("input_reference", ("a.png", picture((0, 0, 99))))], **SMALL)

    assert len(ids) == 1
    assert other.status_code == 409
    assert shelved(house) == []


def test_deleting_a_video_takes_its_picture_off_the_shelf(client, ada, house):
    id_ = post(client, ada, files=[("input_reference", ("a.png", picture()))], **SMALL).json()["id"]
    assert len(shelved(house)) == 1

    assert client.delete(f"/v1/videos/{id_}", headers=ada).status_code == 200

    assert shelved(house) == []


def test_the_openai_client_reads_the_refusal_of_a_picture_where_a_video_is_due(ai):  # noqa: F811
    with pytest.raises(openai.BadRequestError, match="a video is due"):
        ai.videos.edit(prompt="a field", video=("a.png", picture()))
