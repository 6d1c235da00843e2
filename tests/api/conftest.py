"""A served house: real app, ledger, files, codecs, signer, isolation; classifiers, generator and mark are doubles."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.wiring import House, prepare
from classifiers.base import Score, TimeSpan
from classifiers.catalog import Catalog
from media.clip import Clip
from safety.work import HOUSE_ERRORS
from tests.fakes import BlockWatermark, PaintGenerator, RednessClassifier, WordClassifier
from tests.world import POLICY


@dataclass
class SteadyForensics:
    """Gives every window the same probability of synthesis."""

    value: float = 0.1
    name: str = "forensics"
    version: str = "1"
    accepts: type = Clip
    signals: frozenset[str] = frozenset({"video.synthetic"})

    def score(self, content: Clip) -> list[Score]:
        return [Score("video.synthetic", self.value, TimeSpan(content.start_s, content.end_s))]


class NoLabel:
    """Reads no label in any frame."""

    name = "visible_label"
    version = "1"
    accepts = Clip
    signals = frozenset({"video.visible_label"})

    def score(self, content: Clip) -> list[Score]:
        return [Score("video.visible_label", 0.0, TimeSpan(content.start_s, content.end_s))]


class WorkQueue:
    """A queue that takes the same attempt once and works when it is told to."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self.waiting: list[tuple[str, Callable[[], object]]] = []

    def submit(self, job: str, attempt: int = 1) -> None:
        self._take(f"{job}.{attempt}", lambda: self._house.runner.run(job))

    def submit_scan(self, scan: str) -> None:
        self._take(scan, lambda: self._house.scan_runner.run(scan, lambda _, work: work()))

    def cancel(self, job: str, attempt: int = 1) -> None:
        with self._lock:
            self.waiting = [each for each in self.waiting if each[0] != f"{job}.{attempt}"]

    def close(self) -> None:
        """Nothing is held."""

    def work(self) -> None:
        """Run what waits; a job that fails keeps its error in its row, as with a real worker."""
        while self.waiting:
            with self._lock:
                _, run = self.waiting.pop(0)
            try:
                run()
            except HOUSE_ERRORS:
                continue

    def _take(self, id_: str, run: Callable[[], object]) -> None:
        with self._lock:
            if id_ not in self._seen:
                self._seen.add(id_)
                self.waiting.append((id_, run))


class TestHouse(House):
    """The house with doubles in four rooms."""

    __test__ = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.words = WordClassifier({"text.violence": "blood", "text.odd": "odd"})
        self.redness = RednessClassifier()
        self.forensics = SteadyForensics()
        self.policy = POLICY
        self.text_classifiers = (self.words,)
        self.clip_catalog = Catalog((self.redness, self.forensics))
        self.origin_catalog = Catalog((self.forensics,))
        self.generator = PaintGenerator()
        self.watermark = BlockWatermark()
        self.label_reader = NoLabel()
        self.queue = WorkQueue(self)


@pytest.fixture(scope="session")
def furnished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with database, keys and certificates, made once."""
    home = tmp_path_factory.mktemp("furnished") / "home"
    prepare(Settings(home=home), queue=False)
    return home


@pytest.fixture
def settings(furnished_home: Path, tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    shutil.copytree(furnished_home, home)
    return Settings(home=home, request_max_bytes=20_000, upload_max_bytes=3_000_000, prompt_max_characters=1000)


@pytest.fixture
def house(settings: Settings) -> Iterator[TestHouse]:
    house = TestHouse(settings)
    yield house
    house.close()


@pytest.fixture
def client(house: TestHouse) -> Iterator[TestClient]:
    with TestClient(create_app(house=house)) as client:
        yield client


@pytest.fixture
def as_(house: TestHouse) -> Callable[..., dict[str, str]]:
    """Make a key with these scopes and return the header that presents it."""

    def key(*scopes: str) -> dict[str, str]:
        return {"authorization": f"Bearer {house.keys.create('test', scopes)[1]}"}

    return key


@pytest.fixture
def ada(as_: Callable[..., dict[str, str]]) -> dict[str, str]:
    """A requester."""
    return as_("requester")


@pytest.fixture
def bob(as_: Callable[..., dict[str, str]]) -> dict[str, str]:
    """Another requester."""
    return as_("requester")
