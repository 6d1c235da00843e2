"""What the referee is asked about is what it says it is, and the referee is pinned."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from benchmarks.referee import HERE, ROOT, _holds, files
from provenance.certificates import certificate_pem
from provenance.credentials import C2paReader


def test_our_reader_finds_in_each_file_what_was_done_to_it(tmp_path: Path) -> None:
    reader = C2paReader(certificate_pem(ROOT[0]))
    made = list(islice(files(tmp_path), 9))  # all but the one that has to expire first

    assert [path.name for path, due in made if _holds(reader, path) != due] == []
    assert {due for _, due in made} == {True, False}
    assert len({path.read_bytes() for path, _ in made}) == 9


def test_the_referee_is_pinned_by_digest_and_installs_no_script() -> None:
    asked = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]

    assert {name: locked[f"node_modules/{name}"]["version"] for name in asked} == asked
    assert all(each["integrity"].startswith("sha512-") for name, each in locked.items() if name)
    assert "ignore-scripts=true" in (HERE / ".npmrc").read_text()
