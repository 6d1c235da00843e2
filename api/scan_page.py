"""Writes scan reports for people: one HTML page that needs no other file, or a table for a spreadsheet.

The page says for each answer how far to believe it. It loads nothing, runs no script, and escapes every name and tag:
whoever uploaded a video chose them.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from safety.domain import Origin, Strength
from safety.errors import SafetyError

Row = Mapping[str, Any]

BELIEF = {
    Origin.OURS: "Proven: this service released it.",
    Origin.SYNTHETIC: "Declared: somebody says so, in the file or in the picture. Anybody can write that.",
    Origin.CAPTURED: "Proven by a credential of a camera that we trust. It says nothing about what was filmed: "
    "a screen can be filmed too.",
    Origin.LIKELY_SYNTHETIC: "An estimate, and it can be wrong. Somebody should look before anything follows from it.",
    Origin.UNKNOWN: "Nothing was found. That does not mean that the video is real: most generated videos carry no sign "
    "that is left after sharing.",
}
"""How far to believe each answer, for somebody who has read nothing else."""

STRENGTHS = {
    Strength.PROOF: "cannot be made without our keys or our records, or a trusted signer's",
    Strength.DECLARATION: "somebody wrote it; it can be forged or removed",
    Strength.ESTIMATE: "a statistical guess, calibrated on other videos",
    Strength.HINT: "worth knowing, carries nothing alone",
}

COLUMNS = (
    "file", "sha256", "origin", "score", "action", "evidence", "stretches", "unmeasured", "frames_seen", "frames_total",
    "duration_s", "decision", "error",
)  # fmt: skip

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:880px;margin:2rem auto;padding:0 1rem;color:#222}
article{border:1px solid #ccc;border-radius:8px;padding:1rem 1.2rem;margin:1.2rem 0}
h2{font-size:1.05rem;margin:0 0 .4rem;overflow-wrap:anywhere}
.answer{font-weight:bold;padding:.1rem .6rem;border-radius:1rem;background:#ddd}
.ours{background:#bfe3cf}.synthetic{background:#f6c99b}.likely_synthetic{background:#fbe3a6}.captured{background:#cfe0f7}
.error{background:#f2b8b5}
.strip{display:flex;gap:3px;flex-wrap:wrap}.strip figure{margin:0;text-align:center;font-size:.75rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{border-bottom:1px solid #ddd;padding:.25rem .4rem;
text-align:left;vertical-align:top}small{color:#555}
"""


def written(rows: Sequence[Row], path: Path, *, at: str) -> None:
    """Write rows to a file in the form that its suffix names: `.html`, `.csv`, `.jsonl` or `.json`.

    Raises:
        SafetyError: the suffix names no form, or the file cannot be written.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise SafetyError(f"{path.name}: a report is written as {', '.join(FORMS)}")
    try:
        path.write_text(form(rows, at), encoding="utf-8")
    except OSError as error:
        raise SafetyError(f"{path} cannot be written: {error.strerror}; name a file in a folder that exists") from error


def without_pictures(row: Row) -> dict[str, Any]:
    """Return a row as it is printed for programs."""
    return {key: value for key, value in row.items() if key != "pictures"}


def table(rows: Sequence[Row], at: str = "") -> str:
    """Return CSV. What a spreadsheet would take for a formula is written as text."""
    with io.StringIO() as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([_cell(value) for value in _cells(row)])
        return text.getvalue()


def _cells(row: Row) -> list[object]:
    evidence = "; ".join(f"{each['kind']} ({each['strength']}): {each['summary']}" for each in row.get("evidence", ()))
    gaps = "; ".join(f"{each['signal']}: {each['reason']}" for each in row.get("unmeasured", ()))
    places = "; ".join(f"{start:.1f}-{end:.1f} s" for start, end in _stretches(row))
    frames = row.get("frames", {})
    told = {"evidence": evidence, "unmeasured": gaps, "stretches": places}
    told |= {"frames_seen": frames.get("seen"), "frames_total": frames.get("total")}
    return [told.get(name, row.get(name)) for name in COLUMNS]


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def page(rows: Sequence[Row], at: str) -> str:
    """Return one HTML page."""
    counts = Counter("could not be read" if "error" in row else row["origin"] for row in rows)
    head = "".join(
        f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{count}</td></tr>" for name, count in counts.items()
    )
    strengths = "".join(f"<li><b>{each.value}</b>: {escape(words)}</li>" for each, words in STRENGTHS.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Where these videos come from</title>'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'\"><style>{STYLE}</style></head><body>"
        f"<h1>Where these videos come from</h1><p>{len(rows)} files, {escape(at)}.</p>"
        f"<table><tr><th>answer</th><th>files</th></tr>{head}</table>"
        f"<h3>How much a line of evidence can carry</h3><ul>{strengths}</ul>"
        + "".join(_article(row) for row in rows)
        + "</body></html>\n"
    )


def _article(row: Row) -> str:
    name = escape(str(row["file"]))
    if "error" in row:
        words = escape(str(row["error"]))
        return f'<article><h2>{name}</h2><p><span class="answer error">could not be read</span> {words}</p></article>'
    origin = Origin(row["origin"])
    parts = [
        f'<article><h2>{name}</h2><p><span class="answer {origin.value}">{origin.value.replace("_", " ")}</span> '
        f"{escape(row['summary'])}</p><p>{escape(BELIEF[origin])}</p>",
        _strip(row),
        _heat(row),
    ]
    if row["evidence"]:
        lines = "".join(
            f"<tr><td>{escape(each['kind'])}</td><td>{escape(each['strength'])}</td><td>{escape(each['summary'])}"
            f"{''.join(f'<br><small>{escape(line)}</small>' for line in each['detail'].get('told', ()))}</td></tr>"
            for each in row["evidence"]
        )
        parts.append(f"<table><tr><th>seen in</th><th>strength</th><th>what</th></tr>{lines}</table>")
    if row["unmeasured"]:
        gaps = "".join(f"<li>{escape(each['signal'])}: {escape(each['reason'])}</li>" for each in row["unmeasured"])
        parts.append(f"<p>Could not be measured, and so is not cleared:</p><ul>{gaps}</ul>")
    frames = row["frames"]
    parts.append(
        f"<p><small>Looked at {frames['seen']} of {frames['total']} frames. What follows: {escape(row['action'])}. "
        f"Decision {escape(row['decision'])}. SHA-256 {escape(row['sha256'])}.</small></p></article>"
    )
    return "".join(parts)


def _strip(row: Row) -> str:
    figures = "".join(
        f'<figure><img alt="frame at {each["time_s"]:.1f} s" src="data:image/jpeg;base64,{escape(each["jpeg"])}" '
        f'height="72"><figcaption>{each["time_s"]:.1f} s</figcaption></figure>'
        for each in row.get("pictures", ())
    )
    return f'<div class="strip">{figures}</div>' if figures else ""


WIDE, TALL = 840, 26
"""Pixels of the timeline."""


def _heat(row: Row) -> str:
    """The forensic estimate along the video: darker is likelier; grey was not looked at."""
    windows, length = row["timeline"], row.get("duration_s") or 0.0
    if not windows or length <= 0:
        return "<p><small>No forensic estimate: see below what could not be measured.</small></p>"
    boxes = []
    for each in windows:
        left, right = (WIDE * min(1.0, each[name] / length) for name in ("start_s", "end_s"))
        shade = round(92 - 52 * each["score"])
        words = f"{each['start_s']:.1f} s to {each['end_s']:.1f} s: {each['score']:.2f}"
        edge = ' stroke="#000"' if each["score"] >= row["threshold"] else ""
        boxes.append(
            f'<rect x="{left:.1f}" y="0" width="{max(2.0, right - left):.1f}" height="{TALL}" '
            f'fill="hsl(30 90% {shade}%)"{edge}><title>{words}</title></rect>'
        )
    return (
        f'<svg viewBox="0 0 {WIDE} {TALL}" width="100%" role="img" aria-label="forensic estimate along the video">'
        f'<rect width="{WIDE}" height="{TALL}" fill="#e4e4e4"/>{"".join(boxes)}</svg>'
        f"<p><small>Forensic estimate from 0 s to {length:.1f} s: darker is likelier generated, outlined reaches the "
        f"policy's {row['threshold']:g}, grey was not estimated. Of the whole video: {row['score']:.2f}.</small></p>"
    )


def _stretches(row: Row) -> list[tuple[float, float]]:
    details = [each["detail"] for each in row.get("evidence", ()) if each["kind"] == "forensics"]
    return [(each["start_s"], each["end_s"]) for each in details if "start_s" in each]


FORMS: Mapping[str, Callable[[Sequence[Row], str], str]] = {
    ".html": page,
    ".csv": table,
    ".jsonl": lambda rows, _: "".join(json.dumps(without_pictures(row)) + "\n" for row in rows),
    ".json": lambda rows, at: json.dumps({"at": at, "files": [without_pictures(row) for row in rows]}, indent=1) + "\n",
}
"""Suffix to what writes that form."""
