"""`framegate scan` on many files: what is found, what is kept, what is written for people, what an error does."""

from __future__ import annotations

import csv
import io
import json
import sys

import numpy as np
import pytest

from api.cli import main
from api.scan_batch import scan_one, videos_of
from api.scan_page import page, table, written
from media.codec import encode_mp4
from safety.errors import InvalidContent, SafetyError
from safety.policy_states import PolicyState
from tests.world import POLICY_FILE


def film(path, seed=0, frames=16):
    chance = np.random.default_rng(seed)
    picture = chance.integers(0, 255, (16, 16, 3), dtype=np.uint8).repeat(12, axis=0).repeat(12, axis=1)
    encode_mp4((np.roll(picture, 3 * at, axis=1) for at in range(frames)), path, fps=8.0)
    return path


def version(house):
    return house.scanner.version(house.scanner.gate.lineup())


def test_files_folders_and_patterns_are_found_once_and_in_order(tmp_path):
    for name in ("b.mp4", "deep/er/a.MOV", "deep/c.webm", "deep/notes.txt", "odd.name"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    found = videos_of([str(tmp_path / "odd.name"), str(tmp_path), str(tmp_path / "*.mp4")])

    assert [path.name for path in found] == ["odd.name", "b.mp4", "c.webm", "a.MOV"]


@pytest.mark.parametrize("name", ["nowhere.mp4", "*.avi"])
def test_a_name_that_leads_nowhere_is_refused(tmp_path, name):
    with pytest.raises(InvalidContent, match="no file, no folder and no pattern"):
        videos_of([str(tmp_path / name)])


def test_a_folder_without_videos_is_refused_and_says_what_was_looked_for(tmp_path):
    with pytest.raises(InvalidContent, match=r"no video in .*\.mp4"):
        videos_of([str(tmp_path)])


def test_a_report_is_kept_by_content_and_version(house, tmp_path):
    path, copy, cache = film(tmp_path / "one.mp4"), tmp_path / "copy.mp4", tmp_path / "kept"
    copy.write_bytes(path.read_bytes())
    cache.mkdir()

    first = scan_one(house, path, cache)
    again = scan_one(house, copy, cache)
    house.forensics.version = "2"
    newer = scan_one(house, path, cache)

    assert (first["cached"], again["cached"], newer["cached"]) == (False, True, False)
    assert again["decision"] == first["decision"] != newer["decision"]
    assert again["file"] == str(copy)
    assert house.ledger.size() == 2, "a kept report is no new decision"


def test_a_new_release_of_ours_makes_kept_reports_old(client, ada, house):
    before = version(house)

    client.post("/v1/videos", json={"prompt": "a field", "seconds": 2, "size": "256x256"}, headers=ada)
    house.queue.work()

    assert version(house) != before


def test_a_change_of_the_banks_makes_kept_reports_old(house):
    before = version(house)

    house.banks.create(
        "seen", category=next(iter(house.policy.categories)), owner="us", reason="test", until=None, actor="x"
    )

    assert version(house) != before


def test_a_torn_kept_report_is_scanned_again(house, tmp_path):
    path = film(tmp_path / "one.mp4")
    scan_one(house, path, tmp_path)
    (kept,) = tmp_path.glob("*.json")
    kept.write_text(kept.read_text()[:100])

    assert scan_one(house, path, tmp_path)["cached"] is False


@pytest.mark.parametrize("content", [b"", b"GIF89a nothing", b"\0" * 5000])
def test_a_file_that_cannot_be_read_is_a_row_with_its_error_and_no_decision(house, tmp_path, content):
    (tmp_path / "bad.mp4").write_bytes(content)

    row = scan_one(house, tmp_path / "bad.mp4", None)

    assert set(row) == {"file", "error"}
    assert "bad.mp4" in row["error"]
    assert house.ledger.size() == 0


@pytest.fixture
def rows(house, tmp_path):
    house.forensics.value = 0.999
    flagged = scan_one(house, film(tmp_path / "<b>flagged.mp4", frames=40), None)
    house.forensics.value = 0.1
    plain = scan_one(house, film(tmp_path / "plain.mp4", seed=1), None)
    return [flagged, plain, {"file": "=HYPERLINK(1).mp4", "error": "<script>alert(1)</script>"}]


def test_the_page_needs_nothing_else_and_says_how_far_to_believe_it(rows):
    text = page(rows, "2026-11-27")

    assert "<script" not in text
    assert "<b>flagged" not in text
    assert "&lt;b&gt;flagged.mp4" in text
    assert 'src="http' not in text
    assert text.count("data:image/jpeg;base64,") == len(rows[0]["pictures"]) + len(rows[1]["pictures"])
    assert "An estimate, and it can be wrong" in text
    assert "does not mean that the video is real" in text
    assert "outlined reaches the policy" in text
    assert "could not be read" in text
    assert text.count("<article>") == 3


def test_the_table_opens_in_a_spreadsheet_and_runs_nothing(rows):
    lines = list(csv.DictReader(io.StringIO(table(rows))))

    assert [line["origin"] for line in lines] == ["likely_synthetic", "unknown", ""]
    assert lines[2]["file"] == "'=HYPERLINK(1).mp4"
    assert "forensics (estimate): The forensic estimate of the whole video" in lines[0]["evidence"]
    assert int(lines[0]["frames_seen"]) > 0


def test_every_form_is_written_and_an_unknown_one_is_refused(rows, tmp_path):
    for suffix in (".html", ".csv", ".jsonl", ".json"):
        written(rows, tmp_path / f"report{suffix}", at="now")
    listed = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]

    assert listed == json.loads((tmp_path / "report.json").read_text())["files"]
    assert [row.get("origin") for row in listed] == ["likely_synthetic", "unknown", None]
    assert not any("pictures" in row for row in listed)
    with pytest.raises(SafetyError, match=r"written as \.html"):
        written(rows, tmp_path / "report.doc", at="now")
    with pytest.raises(SafetyError, match="in a folder that exists"):
        written(rows, tmp_path / "no" / "report.csv", at="now")


def test_a_folder_of_uploads_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "uploads"
    folder.mkdir()
    film(folder / "a.mp4", frames=8)
    film(folder / "b.mp4", seed=1, frames=8)
    (folder / "broken.mp4").write_bytes(b"no video")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "scan", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, " ".join(captured.err.split())

    report, cache = tmp_path / "report.html", tmp_path / "kept"
    code, out, err = run(folder, "--workers", 2, "--json", "--out", report, "--cache", cache)

    assert code == 1, "one file could not be read, whatever the others are"
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["file"].rsplit("/", 1)[1] for row in rows] == ["a.mp4", "b.mp4", "broken.mp4"]
    assert [row.get("origin") for row in rows[:2]] == ["unknown", "unknown"]
    assert "3 files, 1 could not be read" in err
    assert report.read_text().count("<article>") == 3

    code, out, _ = run(folder / "a.mp4", "--json", "--cache", cache)
    assert json.loads(out)["cached"] is True
    assert code in (0, 4)
    assert run(folder, "--out", "report.doc")[0] == 2
    assert run(tmp_path / "nowhere")[0] == 2


def test_a_canary_that_is_taken_back_makes_its_kept_reports_old(house, tmp_path):
    """Its report would go on naming a policy that acts no more."""
    path, book = film(tmp_path / "one.mp4"), house.policy_book
    strict = POLICY_FILE.replace(b"likely_synthetic = 0.9", b"likely_synthetic = 0.05")
    strict = strict.replace(b"text.odd", b"text.hate").replace(b"frame.red", b"video.known_content")
    who = {"by": "ada", "reason": "to see"}
    policy = book.register(strict, **who).policy
    book.promote(policy, PolicyState.CANARY, share=0.999999, unproven=True, **who)

    drawn = scan_one(house, path, tmp_path)
    book.rollback(**who)
    after = scan_one(house, path, tmp_path)

    assert (drawn["origin"], drawn["threshold"]) == ("likely_synthetic", 0.05)
    assert (after["cached"], after["origin"], after["threshold"]) == (False, "unknown", 0.9)
