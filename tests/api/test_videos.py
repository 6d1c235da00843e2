from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
import uvicorn
from PIL import Image

from api.app import create_app
from safety.domain import Action, Checkpoint, JobStatus

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

SMALL = {"seconds": "1", "size": "256x256"}


@contextlib.contextmanager
def serving(app):
    """The app behind a real server on a free port of this machine; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=30)


@contextlib.contextmanager
def working(house):
    """A worker that takes what is queued."""
    stopping = threading.Event()

    def work():
        while not stopping.wait(0.02):
            house.queue.work()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=60)


@pytest.fixture
def server(house):
    with serving(create_app(house=house)) as address:
        yield address


def openai_client(server, house, *scopes):
    secret = house.keys.create("test", scopes or {"requester"})[1]
    return openai.OpenAI(base_url=f"{server}/v1", api_key=secret, max_retries=0)


@pytest.fixture
def ai(server, house):
    """OpenAI's own client, pointed at this house."""
    with openai_client(server, house) as client:
        yield client


def create(client, headers, prompt="a green field", **fields):
    return client.post("/v1/videos", json={"prompt": prompt, **SMALL, **fields}, headers=headers)


# ---- OpenAI's client ----------------------------------------------------------------------


def test_the_openai_client_creates_polls_downloads_lists_and_deletes(ai, house):
    with working(house):
        video = ai.videos.create_and_poll(prompt="a green field", extra_body={"seed": 3}, **SMALL)

    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert (video.object, video.model, video.seconds, video.size) == ("video", "paint", "1", "256x256")
    assert video.completed_at >= video.created_at
    assert video.model_extra["x_framegate"]["seed"] == 3
    release = house.ledger.release_of_job(video.id)
    content = ai.videos.download_content(video.id).read()
    assert content == house.blobs.path(release.sha256).read_bytes()
    assert content[4:8] == b"ftyp"
    assert [each.id for each in ai.videos.list()] == [video.id]

    deleted = ai.videos.delete(video.id)

    assert (deleted.id, deleted.deleted) == (video.id, True)
    assert list(ai.videos.list()) == []
    with pytest.raises(openai.NotFoundError):
        ai.videos.retrieve(video.id)
    with pytest.raises(openai.NotFoundError):
        ai.videos.download_content(video.id)


def test_the_openai_client_is_told_of_a_refused_prompt(ai, house):
    with pytest.raises(openai.BadRequestError) as caught:
        ai.videos.create(prompt="a pool of blood", **SMALL)

    error = caught.value
    assert (error.code, error.param, error.type) == ("moderation_blocked", "prompt", "invalid_request_error")
    decision = house.ledger.decision(error.body["x_framegate"]["decision"])
    assert decision.verdict.action is Action.BLOCK
    assert decision.id in error.message
    assert "No violence." in error.message
    assert "pool" not in error.message
    assert house.queue.waiting == []
    assert error.request_id


def test_the_openai_client_is_told_of_a_refused_output(ai, house):
    with working(house):
        video = ai.videos.create_and_poll(prompt="a red field", **SMALL)

    assert video.status == "failed"
    assert video.error.code == "moderation_blocked"
    assert house.ledger.release_of_job(video.id) is None
    with pytest.raises(openai.ConflictError):
        ai.videos.download_content(video.id)


def test_the_openai_client_moderates_and_is_told_of_a_wrong_key(ai, server):
    assert ai.moderations.create(input="a pool of blood").results[0].flagged
    stranger = openai.OpenAI(base_url=f"{server}/v1", api_key="fg_wrong", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.moderations.create(input="a tree")


def test_the_openai_client_pages_through_its_videos(ai):
    ids = [ai.videos.create(prompt=f"a green field {number}", **SMALL).id for number in range(5)]

    assert [each.id for each in ai.videos.list(limit=2)] == ids[::-1]
    assert [each.id for each in ai.videos.list(limit=2, order="asc")] == ids


# ---- creating -----------------------------------------------------------------------------


def test_a_new_video_is_queued_with_the_decision_the_pipeline_will_find(client, ada, house):
    answer = create(client, ada)
    video = answer.json()

    assert answer.headers["openai-poll-after-ms"] == "500"
    assert (video["status"], video["progress"], video["prompt"]) == ("queued", 0, None)
    house.queue.work()
    assert [decision.checkpoint for decision in house.ledger.decisions(job=video["id"])] == ["output", "prompt"]
    assert house.ledger.effective(video["id"], Checkpoint.PROMPT).id == video["x_framegate"]["decision"]


def test_a_form_is_taken_like_json(client, ada):
    answer = client.post("/v1/videos", data={"prompt": "a field", "seconds": "1.5", "seed": "9"}, headers=ada)

    assert answer.status_code == 200
    assert (answer.json()["seconds"], answer.json()["x_framegate"]["seed"]) == ("1.5", 9)


def test_progress_follows_the_record(client, ada, house):
    id_ = create(client, ada).json()["id"]
    house.jobs.set_status(id_, JobStatus.RUNNING)
    assert client.get(f"/v1/videos/{id_}", headers=ada).json()["progress"] == 10

    house.queue.work()

    assert client.get(f"/v1/videos/{id_}", headers=ada).json()["progress"] == 100


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ""}, None),
        ({"prompt": None}, "prompt"),
        ({"size": "large"}, "size"),
        ({"size": "0x256"}, "size"),
        ({"seconds": "-1"}, "seconds"),
        ({"seconds": "nan"}, "seconds"),
        ({"seconds": "60"}, None),
        ({"seed": -1}, "seed"),
        ({"seed": 1 << 63}, "seed"),
        ({"n": 2}, "n"),
    ],
)
def test_an_impossible_request_is_refused_before_anything_is_recorded(client, ada, house, fields, param):
    answer = client.post("/v1/videos", json={"prompt": "a field", **SMALL, **fields}, headers=ada)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert house.ledger.size() == 0
    assert house.jobs.list() == []


@pytest.mark.parametrize(
    "fields",
    [{"input_reference": {"image_url": "https://example.org/a.png"}}, {"input_reference": "a"}, {"characters": []}],
)
def test_what_is_not_supported_is_refused_and_never_ignored(client, ada, house, fields):
    answer = create(client, ada, **fields)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unsupported"
    assert house.queue.waiting == []


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"", b'"prompt"', b"[" * 19_000, b'{"prompt": "a", "seed": ' + b"9" * 9000 + b"}"]
)
def test_a_body_that_is_no_object_is_refused(client, ada, body):
    answer = client.post("/v1/videos", content=body, headers={**ada, "content-type": "application/json"})

    assert answer.status_code == 400


def test_the_requester_of_a_refused_prompt_may_read_the_decision_it_quotes_and_nobody_else_may(client, ada, bob, house):
    for key in ("once", "once", "again"):
        refused = create(client, {**ada, "idempotency-key": key}, "a pool of blood")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "moderation_blocked")
    decision = refused.json()["error"]["x_framegate"]["decision"]

    own = client.get(f"/v1/decisions/{decision}", headers=ada)

    assert (own.status_code, own.json()["action"]) == (200, "block")
    assert client.get(f"/v1/decisions/{decision}", headers=bob).status_code == 404
    jobs = house.jobs.list()
    assert [(job.status, job.prompt) for job in jobs] == [(JobStatus.REFUSED, "")] * 2
    assert client.get("/v1/videos", headers=ada).json()["data"] == []
    assert client.get(f"/v1/videos/{jobs[0].id}", headers=ada).status_code == 404
    assert house.queue.waiting == []


# ---- holds --------------------------------------------------------------------------------


def test_a_held_video_stays_queued_says_so_and_goes_on_when_a_reviewer_allows_it(client, ada, as_, house):
    id_ = create(client, ada, "an odd green field").json()["id"]
    house.queue.work()
    held = client.get(f"/v1/videos/{id_}", headers=ada).json()
    assert (held["status"], held["x_framegate"]["status"]) == ("queued", "held")

    reviewer = as_("reviewer")
    waiting = client.get("/v1/reviews", headers=reviewer).json()["data"]
    assert [each["job"] for each in waiting] == [id_]
    verdict = {"allow": True, "reason": "only odd"}
    for _ in range(2):
        answer = client.post(f"/v1/reviews/{waiting[0]['decision']}", json=verdict, headers=reviewer)
        assert (answer.status_code, answer.json()["action"]) == (200, "allow")
    house.queue.work()

    video = client.get(f"/v1/videos/{id_}", headers=ada).json()
    assert video["status"] == "completed"
    assert client.get("/v1/reviews", headers=reviewer).json()["data"] == []


def test_a_held_video_that_a_reviewer_refuses_has_failed(client, ada, as_, house):
    id_ = create(client, ada, "an odd green field").json()["id"]
    house.queue.work()
    held = client.get(f"/v1/videos/{id_}", headers=ada).json()["x_framegate"]["decision"]

    client.post(f"/v1/reviews/{held}", json={"allow": False, "reason": "too odd"}, headers=as_("reviewer"))

    video = client.get(f"/v1/videos/{id_}", headers=ada).json()
    assert (video["status"], video["error"]["code"]) == ("failed", "moderation_blocked")


def test_a_review_needs_a_reason_and_a_hold(client, ada, as_, house):
    reviewer = as_("reviewer")
    id_ = create(client, ada).json()["id"]
    allowed = house.ledger.effective(id_, Checkpoint.PROMPT).id

    empty = client.post(f"/v1/reviews/{allowed}", json={"allow": True, "reason": ""}, headers=reviewer)
    not_held = client.post(f"/v1/reviews/{allowed}", json={"allow": True, "reason": "fine"}, headers=reviewer)
    unknown = client.post("/v1/reviews/dec_none", json={"allow": True, "reason": "fine"}, headers=reviewer)

    assert (empty.status_code, not_held.status_code, unknown.status_code) == (422, 409, 404)


# ---- failing and deleting -----------------------------------------------------------------


def test_a_video_that_could_not_be_made_has_failed_and_says_nothing_of_the_house(client, ada, house):
    house.generator.broken = True
    id_ = create(client, ada).json()["id"]
    house.queue.work()

    video = client.get(f"/v1/videos/{id_}", headers=ada).json()

    assert (video["status"], video["error"]["code"]) == ("failed", "generation_failed")
    assert "GeneratorError" in video["error"]["message"]
    assert "out of paint" not in video["error"]["message"]


def test_deleting_erases_prompt_and_files_and_keeps_the_record(client, ada, as_, house):
    id_ = create(client, ada).json()["id"]
    house.queue.work()
    release = house.ledger.release_of_job(id_)
    entries = house.ledger.size()

    client.delete(f"/v1/videos/{id_}", headers=ada)

    assert house.jobs.get(id_).prompt == ""
    assert not any(path.is_file() for path in (house.settings.home / "blobs").rglob("*"))
    assert house.ledger.release(release.id) == release
    assert house.ledger.size() == entries
    assert client.get(f"/v1/releases/{release.id}/content", headers=as_("auditor")).status_code == 409
    assert client.delete(f"/v1/videos/{id_}", headers=ada).status_code == 404
    assert client.get(f"/v1/decisions/{release.decisions[0]}", headers=ada).status_code == 200


def test_deleting_a_waiting_video_takes_it_off_the_queue(client, ada, house):
    id_ = create(client, ada).json()["id"]

    assert client.delete(f"/v1/videos/{id_}", headers=ada).json()["deleted"] is True

    assert house.queue.waiting == []
    assert house.jobs.get(id_).status is JobStatus.CANCELLED


def test_deleting_a_held_video_takes_it_off_the_review_desk(client, ada, house):
    id_ = create(client, ada, "an odd green field").json()["id"]
    house.queue.work()
    assert house.review.holds()

    client.delete(f"/v1/videos/{id_}", headers=ada)

    assert house.review.holds() == []


# ---- whose ---------------------------------------------------------------------------------


def test_a_requester_sees_its_own_videos_only_and_an_admin_all(client, ada, bob, as_, house):
    id_ = create(client, ada).json()["id"]
    house.queue.work()
    release = house.ledger.release_of_job(id_).id
    decision = house.ledger.decisions(job=id_)[0].id
    paths = (f"/v1/videos/{id_}", f"/v1/videos/{id_}/content", f"/v1/releases/{release}", f"/v1/decisions/{decision}")
    for path in paths:
        assert client.get(path, headers=ada).status_code == 200, path
        assert client.get(path, headers=as_("admin")).status_code == 200, path
        assert client.get(path, headers=bob).status_code == 404, path
    assert client.delete(f"/v1/videos/{id_}", headers=bob).status_code == 404
    assert client.get("/v1/videos", headers=bob).json()["data"] == []
    assert client.get("/v1/videos", params={"after": id_}, headers=bob).status_code == 404
    assert len(client.get("/v1/videos", headers=as_("admin")).json()["data"]) == 1


# ---- stills --------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "size"), [("thumbnail", (256, 256)), ("spritesheet", (5 * 192, 2 * 192))])
def test_stills_are_jpegs_of_the_released_file(client, ada, house, variant, size):
    id_ = create(client, ada, "a blue field").json()["id"]
    house.queue.work()

    answer = client.get(f"/v1/videos/{id_}/content", params={"variant": variant}, headers=ada)

    assert answer.headers["content-type"] == "image/jpeg"
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == size
    red, _, blue = picture.convert("RGB").getpixel((picture.width // 3, int(picture.height * 0.4)))
    assert blue > red + 50


def test_a_part_of_the_file_can_be_asked_for(client, ada, house):
    id_ = create(client, ada).json()["id"]
    house.queue.work()

    answer = client.get(f"/v1/videos/{id_}/content", headers={**ada, "range": "bytes=4-7"})

    assert (answer.status_code, answer.content) == (206, b"ftyp")


def test_an_altered_file_does_not_leave(client, ada, house):
    id_ = create(client, ada).json()["id"]
    house.queue.work()
    stored = house.blobs.path(house.ledger.release_of_job(id_).sha256)
    stored.chmod(0o600)
    with stored.open("ab") as file:
        file.write(b"more")

    assert client.get(f"/v1/videos/{id_}/content", headers=ada).status_code == 507


# ---- the same request again -----------------------------------------------------------------


def test_the_same_request_under_the_same_key_is_the_same_job(client, ada, bob, house):
    again = {"idempotency-key": "once"}
    first = create(client, {**ada, **again}).json()["id"]

    assert create(client, {**ada, **again}).json()["id"] == first
    assert create(client, {**bob, **again}).json()["id"] != first
    assert create(client, ada).json()["id"] != first
    assert len(house.queue.waiting) == 3


def test_another_request_under_the_same_key_is_refused(client, ada, house):
    create(client, {**ada, "idempotency-key": "once"})

    answer = create(client, {**ada, "idempotency-key": "once"}, seed=2)

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"
    assert len(house.queue.waiting) == 1


def test_requests_at_once_under_one_key_make_one_job(server, house, ada):
    def ask(client):
        return client.videos.create(prompt="a green field", extra_headers={"Idempotency-Key": "once"}, **SMALL).id

    with openai_client(server, house) as client, ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(ask, [client] * 8))

    assert len(ids) == 1
    assert len(house.jobs.list()) == 1
    assert len(house.ledger.decisions()) == 1
    assert len(house.queue.waiting) == 1


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
def test_an_unusable_idempotency_key_is_refused(client, ada, house, key):
    assert create(client, {**ada, "idempotency-key": key}).status_code == 400
    assert house.queue.waiting == []


def test_work_that_was_written_down_but_not_queued_is_queued_at_the_next_start(client, ada, house):
    """A process may die between the two."""
    id_ = create(client, ada).json()["id"]
    house.queue.__init__(house)
    assert house.queue.waiting == []

    with serving(create_app(house=house)):
        house.queue.work()

    assert house.jobs.get(id_).status is JobStatus.RELEASED
