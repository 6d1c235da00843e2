"""A detection service behind HTTP: what it is sent, what its answer means, and everything that can go wrong with it."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from api.settings import Settings
from api.wiring import House
from classifiers.base import ConfigurationError, MeasurementError
from classifiers.frame_blocks import OriginDetectorBlock
from classifiers.remote_origin import MAX_REPLY_BYTES, RemoteOriginDetector
from media.clip import Clip
from safety.forensic_evidence import forensic_link
from safety.origin_windows import OriginWindows
from tests.judge_server import send


class Service:
    """A real server that answers as it is told and keeps what it was sent."""

    def __init__(self, *outputs, answer=None):
        classes = [{"classes": [{"class": name, "score": score} for name, score in each.items()]} for each in outputs]
        whole = json.dumps({"status": [{"response": {"output": classes}}]}).encode()
        self.answer = answer or (lambda request: send(request, whole))
        self.bodies, self.headers, self.paths = [], [], []
        self.url = ""


@contextmanager
def serving(service):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            service.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            service.headers.append(dict(self.headers))
            service.paths.append(self.path)
            service.answer(self)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_):
            """A client that hung up is what some tests are about."""

    listener = Server(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{listener.server_address[1]}/api/v2/task/sync"
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def window(count=8, side=64):
    frames = np.random.default_rng(0).integers(0, 255, (count, side, side, 3), dtype=np.uint8)
    return Clip(frames, 10 + np.arange(count) / 4, 4.0)


def detector(service, beside=None, **more):
    block = OriginDetectorBlock.model_validate({"name": "hive", "url": service.url, **more})
    return RemoteOriginDetector(block, *([beside] if beside else []))


def test_a_window_is_sent_as_a_video_and_the_mean_of_the_answers_counts(tmp_path):
    (tmp_path / "hive.key").write_text("secret\n")
    outputs = ({"ai_generated": 0.9, "not_ai_generated": 0.1}, {"ai_generated": 0.7, "not_ai_generated": 0.3})
    with serving(Service(*outputs)) as service:
        (score,) = detector(service, tmp_path, key_file="hive.key").score(window())

    assert score.value == pytest.approx(0.8)
    assert (score.span.start_s, score.span.end_s) == (10.0, 11.75)
    assert service.paths == ["/api/v2/task/sync"]
    assert service.headers[0]["authorization"] == "Token secret"
    assert b'name="media"; filename="window.mp4"' in service.bodies[0]
    assert b"ftyp" in service.bodies[0]


def test_several_classes_may_mean_synthesis():
    with serving(Service({"sora": 0.5, "kling": 0.3, "none": 0.2})) as service:
        (score,) = detector(service, classes=["sora", "kling"]).score(window())

    assert score.value == pytest.approx(0.8)


def redirecting(request):
    send(request, b"", 302, location="http://127.0.0.1:1/")


def hanging_up(request):
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda request: send(request, b"{}"), "not the shape"),
        (lambda request: send(request, b"[]"), "not the shape"),
        (lambda request: send(request, b'{"status": [{"response": {"output": []}}]}'), "not the shape"),
        (lambda request: send(request, b"<html>"), "not JSON"),
        (lambda request: send(request, b"busy", 503), "HTTP 503"),
        (redirecting, "HTTP 302"),
        (lambda request: send(request, b" " * (MAX_REPLY_BYTES + 1)), "longer than"),
        (hanging_up, "cannot be asked"),
    ],
)
def test_whatever_is_no_answer_is_unmeasured(answer, words):
    with serving(Service(answer=answer)) as service, pytest.raises(MeasurementError, match=words):
        detector(service).score(window())


@pytest.mark.parametrize("scores", [{"other": 1.0}, {"ai_generated": 1.5}, {"ai_generated": float("nan")}])
def test_a_score_that_is_no_probability_of_its_classes_is_unmeasured(scores):
    with serving(Service(scores)) as service, pytest.raises(MeasurementError, match="not the shape"):
        detector(service).score(window())


def test_a_late_answer_is_unmeasured_and_so_is_the_video():
    released = threading.Event()
    with serving(Service(answer=lambda _: released.wait(30))) as service:
        windows = OriginWindows(detector(service, seconds=0.2))
        windows.watch(window())
        released.set()

    _, missing = forensic_link(windows, 0.9)

    assert windows.windows == []
    assert {gap.reason for gap in missing} == {"hive: no answer within 0.2 s"}


def test_nobody_there_is_unmeasured():
    with serving(Service()) as service:
        gone = detector(service)

    with pytest.raises(MeasurementError, match="cannot be asked"):
        gone.score(window())


def test_a_key_that_cannot_be_read_refuses_the_start(tmp_path):
    block = OriginDetectorBlock.model_validate({"name": "hive", "url": "http://x/y", "key_file": "no.key"})

    with pytest.raises(ConfigurationError, match="hive: key_file or ca_file"):
        RemoteOriginDetector(block, tmp_path)


def plugins(tmp_path, text):
    (tmp_path / "plugins.toml").write_text(text)
    return House(Settings(home=tmp_path / "home", text_plugins=tmp_path / "plugins.toml"))


REMOTE = '[[origin_detector]]\nname = "hive"\nurl = "http://127.0.0.1:9/task"\n'


def test_a_configured_detector_is_what_scans_ask(tmp_path):
    (asked,) = plugins(tmp_path, REMOTE).origin_catalog.for_clips()

    assert (asked.name, type(asked)) == ("hive", RemoteOriginDetector)


def test_two_of_them_are_refused(tmp_path):
    house = plugins(tmp_path, REMOTE + REMOTE.replace('"hive"', '"other"'))

    with pytest.raises(ConfigurationError, match=r"hive and other report video\.synthetic"):
        _ = house.origin_catalog


@pytest.mark.parametrize("line", ['url = "ftp://x/y"', 'url = "https://x/y?key=1"', "classes = []", "seconds = 0"])
def test_a_block_that_cannot_be_meant_is_refused(tmp_path, line):
    key = line.split(" ")[0]
    text = "\n".join(each for each in REMOTE.splitlines() if not each.startswith(key)) + f"\n{line}\n"

    with pytest.raises(ConfigurationError, match=f"origin_detector 'hive': {key}"):
        _ = plugins(tmp_path, text).text_plugins
