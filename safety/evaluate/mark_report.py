"""What the trials of `mark_trials` come to: rates with N, k and a Wilson interval, as JSON values and as Markdown.

A damaged clip is recognised as our own by its watermark, by its fingerprint, by its local features, or by either
(any of the three). Measures nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from media.damage import DAMAGES
from media.fingerprint import Fingerprint
from media.fingerprint_index import FingerprintIndex, match_clip
from safety.evaluate.mark_trials import related
from safety.evaluate.pages import percent, table
from safety.figures import Share

Json = dict[str, Any]

KINDS = ("watermark", "fingerprint", "local features", "either")


def report(notes: Sequence[Json], *, at: datetime) -> Json:
    """Return the figures as JSON values."""
    failed = {note["name"]: note["failed"] for note in notes if "failed" in note}
    clips = [note for note in notes if "failed" not in note]
    index = FingerprintIndex()
    for note in clips:
        index.add(note["name"], note["hashes"])
    families = {note["name"]: note["family"] for note in clips}
    seen = [(note, name, _recognised(index, note, name, families)) for note in clips for name in note["damages"]]
    common = {damage.name for damage in DAMAGES if damage.common}
    unmarked = Share(_total(clips, "accepted"), _total(clips, "scans")) if clips else Share(0, 0)
    strange = [found["stranger"] for _, _, found in seen]
    pairs = [(found["strange parts"], note["compared"]) for note, _, found in seen]
    return {
        "at": at.isoformat(),
        "clips": len(clips),
        "failed": failed,
        "damages": {
            damage.name: {
                "common": damage.common,
                **_rates(found for _, name, found in seen if name == damage.name),
                "missed": [note["name"] for note, name, found in seen if name == damage.name and not found["either"]],
            }
            for damage in DAMAGES
        },
        "common": _rates(found for _, name, found in seen if name in common),
        "untouched": _rates(found for _, name, found in seen if name == "strip"),
        "all": _rates(found for _, _, found in seen),
        "false_watermark": _share(unmarked),
        "other_id_read": _share(Share(sum(found["wrong"] for _, _, found in seen), len(seen))),
        "false_fingerprint": _share(Share(sum(strange), len(strange))),
        "false_features": _share(Share(sum(found["strange part"] for _, _, found in seen), len(seen))),
        "false_feature_pairs": _share(Share(*map(sum, zip((0, 0), *pairs, strict=True)))),
        "psnr_db": _spread([note["psnr_db"] for note in clips]),
        "ssim": _spread([note["ssim"] for note in clips]),
        "robust": _share(Share(sum(note["robust"] for note in clips), len(clips))),
        "embed_ms": _spread([note["embed_ms"] for note in clips]),
        "add_ms": _spread([each["add_ms"] for note in clips for each in note["damages"].values()]),
        "read_ms": _spread([each["read_ms"] for note in clips for each in note["damages"].values()]),
        "describe_ms": _spread([each["describe_ms"] for note in clips for each in note["damages"].values()]),
        "look_up_ms": _spread([each["look_up_ms"] for note in clips for each in note["damages"].values()]),
    }


def markdown(made: Json) -> str:
    """Return the report as a page."""
    parts = ["# What survives: watermark, fingerprint and local features", ""]
    parts.append(f"{made['clips']} clips, {made['at'][:10]}. Each cell: share, k of n, 95 % Wilson interval.")
    rows = [
        [f"{name}{'' if each['common'] else ' (harder)'}", *(_cell(each[kind]) for kind in KINDS)]
        for name, each in made["damages"].items()
    ]
    rows += [[f"**{name}**", *(_cell(made[name][kind]) for kind in KINDS)] for name in ("common", "all")]
    parts += ["", table(["damage", *KINDS], rows), ""]
    facts = [
        ["unmarked clips and crops in which a mark was read", _cell(made["false_watermark"])],
        ["damaged clips in which another id was read", _cell(made["other_id_read"])],
        ["damaged clips whose fingerprint led to a stranger's", _cell(made["false_fingerprint"])],
        ["damaged clips whose local features led to a stranger's", _cell(made["false_features"])],
        [
            "pairs of a damaged clip and a stranger's that local features took for one",
            _cell(made["false_feature_pairs"]),
        ],
        ["marks said to be robust", _cell(made["robust"])],
        *(
            [words, f"median {each['median']}, least {each['least']}, most {each['most']}" if each["n"] else "–"]
            for words, each in (
                ("PSNR of the mark, dB", made["psnr_db"]),
                ("SSIM of the mark", made["ssim"]),
                ("embedding, ms of processor time a frame, loop included", made["embed_ms"]),
                ("listening, ms of processor time a frame", made["add_ms"]),
                ("reading, ms of processor time a video", made["read_ms"]),
                ("describing key frames, ms of processor time a video", made["describe_ms"]),
                ("looking them up, ms of processor time a video", made["look_up_ms"]),
            )
        ),
    ]
    parts += [table(["figure", "value"], facts), ""]
    missed = [f"- {name}: {', '.join(each['missed'])}" for name, each in made["damages"].items() if each["missed"]]
    parts += ["Recognised by none:", "", *(missed or ["- none"]), ""]
    parts += [f"- not measured: {name}: {reason}" for name, reason in made["failed"].items()]
    return "\n".join(parts).rstrip() + "\n"


def _recognised(index: FingerprintIndex, note: Json, name: str, families: dict[str, str]) -> dict[str, int]:
    each = note["damages"][name]
    match = match_clip(index, [Fingerprint(*query) for query in each["queries"]])
    own = match is not None and families[match.key] == note["family"]
    own_parts = sum(key == note["name"] for key, *_ in each["parts"])
    strange_parts = sum(not related(families.get(key, key), note["family"]) for key, *_ in each["parts"])
    return {
        "watermark": each["own"],
        "fingerprint": own,
        "local features": own_parts > 0,
        "either": each["own"] or own or own_parts > 0,
        "wrong": each["read"] is not None and not each["own"],
        "stranger": match is not None and not related(families[match.key], note["family"]),
        "strange part": strange_parts > 0,
        "strange parts": strange_parts,
    }


def _rates(found: Iterable[dict[str, int]]) -> Json:
    rows = list(found)
    return {kind: _share(Share(sum(each[kind] for each in rows), len(rows))) for kind in KINDS}


def _share(share: Share) -> Json:
    low, high = share.interval
    return {"k": share.k, "n": share.n, "value": share.value, "low": low, "high": high}


def _spread(values: Sequence[float]) -> Json:
    if not values:
        return {"n": 0, "median": None, "least": None, "most": None}
    rounded: Callable[[float], float] = lambda value: round(value, 4)  # noqa: E731
    return {"n": len(values), "median": rounded(median(values)), "least": min(values), "most": max(values)}


def _total(clips: Sequence[Json], name: str) -> int:
    return sum(note["unmarked"][name] for note in clips)


def _cell(share: Json) -> str:
    return "–" if not share["n"] else f"{share['k']}/{share['n']} = {percent(share)}"
