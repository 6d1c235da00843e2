"""A blob is whole or absent, its name proves its content, and a full disk is said so."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from media.blobs import BlobStore
from media.errors import StorageError

ABSENT = "0" * 64


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_bytes_come_back_under_their_sha256(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")

    digest = store.put_bytes(b"a video")

    assert digest == hashlib.sha256(b"a video").hexdigest()
    assert store.path(digest).read_bytes() == b"a video"
    assert store.contains(digest)
    store.verify(digest)


def test_a_file_is_copied_and_stays(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(bytes(3_000_000))
    store = BlobStore(tmp_path / "blobs")

    digest = store.put(source)

    assert store.path(digest).read_bytes() == source.read_bytes()


def test_storing_twice_is_storing_once(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)

    assert store.put_bytes(b"x") == store.put_bytes(b"x")
    assert len(files(tmp_path)) == 1


def test_many_threads_storing_the_same_blob_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: BlobStore(tmp_path).put_bytes(b"y" * 100_000), range(32)))

    assert len(digests) == len(files(tmp_path)) == 1
    BlobStore(tmp_path).verify(digests.pop())


def test_an_absent_blob_is_an_error(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "never made")

    assert not store.contains(ABSENT)
    with pytest.raises(StorageError, match=ABSENT):
        store.path(ABSENT)
    with pytest.raises(StorageError, match=ABSENT):
        store.verify(ABSENT)


def test_a_discarded_blob_is_gone_and_may_be_discarded_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest = store.put_bytes(b"private")

    store.discard(digest)
    store.discard(digest)

    assert not store.contains(digest)
    assert files(tmp_path) == []


def test_an_altered_blob_does_not_verify(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest = store.put_bytes(b"evidence")
    store.path(digest).chmod(0o600)
    store.path(digest).write_bytes(b"evidencf")

    with pytest.raises(StorageError, match="altered"):
        store.verify(digest)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_a_digest_names_a_blob(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="64"):
        BlobStore(tmp_path).path(name)


def test_an_unreadable_source_is_a_storage_error_and_adds_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        BlobStore(tmp_path / "blobs").put(tmp_path / "absent.mp4")

    assert files(tmp_path) == []


def test_a_root_that_is_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="file"):
        BlobStore(tmp_path / "file").put_bytes(b"x")


PREAMBLE = """
import resource, sys
from pathlib import Path
from media.blobs import BlobStore
from media.errors import StorageError

def small_disk(path, size):
    import ctypes, os
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000 | 0x00020000) != 0:  # CLONE_NEWUSER, CLONE_NEWNS
        sys.exit(5)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, f"size={size}".encode()) != 0:
        sys.exit(5)

root = Path(sys.argv[1])
"""
FULL_DISK = """
small_disk(root, 1_500_000)
"""
SIZE_LIMIT = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
"""
STORE_TOO_MUCH = """
store = BlobStore(root)
kept = store.put_bytes(b"small")
try:
    store.put_bytes(bytes(4_000_000))
except StorageError as error:
    store.verify(kept)
    print(error, [path.read_bytes() for path in root.rglob("*") if path.is_file()])
    sys.exit(7)
"""


@pytest.mark.parametrize(
    ("disk", "reason"), [(FULL_DISK, "No space left on device"), (SIZE_LIMIT, "File too large")], ids=["full", "limit"]
)
def test_a_disk_that_takes_no_more_adds_nothing_and_harms_nothing(tmp_path: Path, disk: str, reason: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PREAMBLE + disk + STORE_TOO_MUCH, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env={"OPENBLAS_NUM_THREADS": "1"},  # a process with threads may not enter a namespace
        capture_output=True,
        text=True,
        check=False,
    )

    if result.returncode == 5:
        pytest.skip("this host lets nobody mount a small disk")
    assert result.returncode == 7, result.stderr
    assert reason in result.stdout
    assert str(tmp_path) in result.stdout
    assert "[b'small']" in result.stdout
