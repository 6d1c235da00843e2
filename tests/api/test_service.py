"""The real service as it is run: `framegate serve` and `framegate worker` as processes, nothing replaced."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import numpy as np
import openai
import pytest
from skimage import data

from media.codec import encode_mp4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning"),
]


@pytest.fixture
def environment(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        **os.environ,
        "FRAMEGATE_HOME": str(tmp_path / "home"),
        "FRAMEGATE_PORT": str(port),
        "FRAMEGATE_WORKER_LEASE_S": "2",
        "OMP_NUM_THREADS": "1",
    }


def framegate(environment, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "api", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def running(environment, *arguments):
    process = subprocess.Popen([sys.executable, "-m", "api", *arguments], env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(look, seconds=240.0):
    """Ask until the answer is true; return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if answer := look():
                return answer
        time.sleep(0.05)
    return pytest.fail(f"nothing happened within {seconds:g} s")


@pytest.fixture
def service(environment):
    """A running service without a worker, and a client with a requester's key."""
    framegate(environment, "migrate")
    secret = json.loads(framegate(environment, "keys", "create", "test", "--scope", "requester", "--json"))["secret"]
    base = f"http://127.0.0.1:{environment['FRAMEGATE_PORT']}"
    headers = {"authorization": f"Bearer {secret}"}
    with running(environment, "serve", "--no-worker"), httpx.Client(base_url=base, headers=headers, timeout=60) as http:
        until(lambda: http.get("/healthz"))
        yield http


def scan_of(service, file):
    answer = service.post("/v1/scans", files={"file": ("v.mp4", file)})
    assert answer.status_code == 202, answer.text
    return f"/v1/scans/{answer.json()['id']}"


def test_a_scan_whose_worker_is_killed_is_finished_by_another(environment, service, tmp_path):
    photo = np.ascontiguousarray(data.chelsea()[:, :, :3])
    encode_mp4((photo[20:260, step % 100 : step % 100 + 320] for step in range(96)), tmp_path / "v.mp4", fps=24.0)
    scan = scan_of(service, (tmp_path / "v.mp4").read_bytes())
    with running(environment, "worker") as worker:
        until(lambda: service.get(scan).json()["status"] == "running")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert service.get(scan).json()["status"] == "running"

    with running(environment, "worker"):
        until(lambda: service.get(scan).json()["status"] == "done")

    report = service.get(scan).json()["report"]
    assert report["origin"] in ("unknown", "likely_synthetic")
    assert report["frames"]["seen"] > 8
    assert json.loads(framegate(environment, "ledger", "list", "--json"))["decision"] == report["decision"]


def test_a_video_is_judged_made_released_verified_and_recognised(environment, service):
    ready = service.get("/readyz").json()
    assert ready["ready"] is True
    assert "names.public_figure" in ready["checkpoints"]["prompt"]["measured"]
    assert ready["checkpoints"]["output"]["unmeasured"]

    key = service.headers["authorization"].removeprefix("Bearer ")
    with openai.OpenAI(base_url=f"{service.base_url}/v1", api_key=key) as ai, running(environment, "worker"):
        with pytest.raises(openai.BadRequestError) as refused:
            ai.videos.create(prompt="a man is beheaded slowly, blood gushing everywhere, extreme gore")
        assert refused.value.code == "moderation_blocked"

        video = ai.videos.create_and_poll(
            prompt="a red ball rolling over a green meadow at noon", extra_body={"seed": 7}
        )
        assert video.status == "completed", video
        file = ai.videos.download_content(video.id).read()

        verified = service.post("/v1/verify", files={"file": ("v.mp4", file)}).json()
        assert verified["state"] == "trusted"
        assert verified["release"] == video.model_extra["x_framegate"]["release"]

        scan = scan_of(service, file)
        until(lambda: service.get(scan).json()["status"] == "done")

    report = service.get(scan).json()["report"]
    assert report["origin"] == "ours"
    assert {"credential", "watermark"} <= {link["kind"] for link in report["evidence"]}
    assert "framegate_releases_total 1.0" in service.get("/metrics").text
    assert json.loads(framegate(environment, "ledger", "verify", "--json"))["ok"] is True
