"""Looks at everything a release needs and says what is broken, and what cannot be measured. Changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.erasing import persons_back, put_back
from api.keys import certificates
from api.webhooks import shown_url, webhook_of
from api.wiring import House
from api.wiring.labelling import label_style
from api.wiring.trust_packs import aging, trust_folder, unrecorded
from classifiers.base import Classifier
from safety.checkpoints import verify_checkpoint
from safety.ledger import HEAD_EXTENSION
from safety.lookup.wholeness import faults
from safety.work import HOUSE_ERRORS

AnyClassifier = Classifier[Any]
"""Of prompts or of video."""

LEAST_FREE_BYTES = 2_000_000_000
"""Room below which a release may fail to be written: uploads and clips are stored whole before they are judged."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def examine(house: House) -> list[Check]:
    """Return every check, broken or not."""
    return [_check(name, look) for name, look in _looks(house)]


def _looks(house: House) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "database", lambda: f"{house.engine.dialect.name}, {house.ledger.size()} entries in the ledger"
    yield "ledger", lambda: _ledger(house)
    yield "tables", lambda: _tables(house)
    yield "erasures", lambda: _erasures(house)
    yield "disk", lambda: _disk(house)
    yield "clock", lambda: _clock(house)
    yield "policy", lambda: _policy(house)
    yield "prompt classifiers", lambda: _names(house.text_classifiers)
    yield "video classifiers", lambda: _names(house.clip_catalog.for_clips())
    yield "known persons", lambda: _persons(house)
    yield "generator", lambda: f"{house.generator.name} {house.generator.version[:16]}"
    yield "signer", lambda: _signer(house)
    yield "label", lambda: _label(house)
    yield "certificates", lambda: _certificates(house)
    yield "trust packs", lambda: _trust_packs(house)
    if house.settings.webhook_url:
        yield "webhook", lambda: _webhook(house)
    for each in house.clip_catalog.absent:
        reason = f"unmeasured, so never allowed: {each.reason}"
        yield f"absent: {each.name}", reason.__str__
    for gap in house.person_instruments[1]:
        yield f"absent: {gap.signal}", f"unmeasured, so never allowed: {gap.reason}".__str__


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=look())
    except (*HOUSE_ERRORS, _BrokenError) as error:
        return Check(name, ok=False, detail=str(error))


def _policy(house: House) -> str:
    """Which policy judges; where that is a registered one, the file that the settings name does not."""
    lineup = house.policy_book.lineup()
    live, states = lineup.live, house.policy_book.states()
    said = [f"{live.name} {live.digest}, {len(live.rules)} rules"]
    if states.live is not None:
        said.append("registered and live: the file that FRAMEGATE_POLICY names is not in force")
    if lineup.canary is not None:
        said.append(f"canary on {lineup.share:.1%}: {lineup.canary.digest}")
    said += [f"shadow: {each.digest}" for each in lineup.shadows]
    if lost := {*states.shadows, *filter(None, [states.canary])} - {each.digest for each in lineup.tried}:
        raise _BrokenError(f"cannot be tried, what is kept of them is not readable here: {', '.join(sorted(lost))}")
    return "; ".join(said)


def _webhook(house: House) -> str:
    """How far the receiver was told; failing since a while is broken: what it should undo, it does not."""
    webhook = webhook_of(house)
    if webhook is None:
        return "nobody is told"
    told = webhook.place()
    behind = f"{house.ledger.size() - told.position} entries behind"
    shown = shown_url(webhook.url)
    if told.failing_since is not None:
        raise _BrokenError(f"{shown} takes nothing since {told.failing_since:%F %T}: {behind}")
    return f"{shown}, {behind}"


class _BrokenError(Exception):
    """A check that no floor has an error for."""


def _ledger(house: House) -> str:
    """The signed head and the newest checkpoint, with the key of this house; the rest is `framegate ledger verify`."""
    ledger, keys = house.ledger, (house.log_key.public, *house.former_log_keys)
    size, head = ledger.size(), ledger.head()
    if head is None:
        return "empty"
    signed = verify_checkpoint(head, *keys, extensions=HEAD_EXTENSION).size
    note = ledger.latest_checkpoint()
    covered = 0 if note is None else verify_checkpoint(note, *keys).size
    last = ledger.entries(size - 1, 2)
    if signed != size or covered > size or len(last) != 1:
        raise _BrokenError(
            f"the head says {size} entries, its signature {signed}, the newest checkpoint {covered}: "
            "run `framegate ledger verify` before anything is appended"
        )
    return f"{size} entries, the newest checkpoint covers {covered}"


def _tables(house: House) -> str:
    found = faults(house.engine)
    if found:
        raise _BrokenError(
            f"{'; '.join(found)}: as after a backup that was restored in part; restore all of one, append nothing"
        )
    newest = house.subjects.newest()
    if newest is not None:
        house.subjects.key_of(newest.id)
    return "all of one moment, and the key of subjects opens them"


def _erasures(house: House) -> str:
    back = len(put_back(house)) + len(persons_back(house))
    if back:
        raise _BrokenError(
            f"{back} persons who were erased are back, as after a restore: run `framegate subject reapply`"
        )
    return "nobody who was erased is back"


def _persons(house: House) -> str:
    """Opens the gallery, so that a lost key is known before a video is."""
    people = house.gallery.people()
    return f"{len(people)} enrolled, and their key opens them" if people else "nobody is enrolled"


def _disk(house: House) -> str:
    free = shutil.disk_usage(house.settings.home).free
    if free < LEAST_FREE_BYTES:
        raise _BrokenError(f"{free / 1e9:.1f} GB free in {house.settings.home}; a release may fail to be written")
    return f"{free / 1e9:.0f} GB free in {house.settings.home}"


def _clock(house: House) -> str:
    newest = house.ledger.decisions(limit=1)
    now = datetime.now(UTC)
    if newest and newest[0].at > now:
        raise _BrokenError(f"the clock says {now:%F %T}, but the newest decision is from {newest[0].at:%F %T}")
    return f"{now:%F %T} UTC"


def _signer(house: House) -> str:
    house.signer.self_test()
    return f"{house.signer.name} signs, and its signature reads as trusted"


def _certificates(house: House) -> str:
    """What ends signing first; broken from a month before its end, while there is time to renew it."""
    found = [each for each in certificates(house.settings) if each.matters]
    first, now = min(found, key=lambda each: each.not_after), datetime.now(UTC)
    words = f"the {first.role} certificate {first.subject} is valid until {first.not_after:%F}"
    if first.is_due(now):
        raise _BrokenError(f"{words}, {first.left(now).days} days: renew it; see `framegate certificate csr`")
    return f"{words}, the first of {len(found)} to expire"


def _label(house: House) -> str:
    style = label_style(house.settings)
    declared = f"; declares {', '.join(sorted(style.declare))}" if style.declare else ""
    return f"{style.text!r}, {style.place}, {style.height:.0%} of the short side{declared}"


def _trust_packs(house: House) -> str:
    """Whom else credentials are believed from; broken where a pack is damaged, too old, its anchors expired, or the
    ledger knows nothing of it."""
    folder = trust_folder(house.settings)
    packs = folder.packs()
    if faults := [*unrecorded(house.ledger, folder), *aging(packs, house.settings, datetime.now(UTC))]:
        raise _BrokenError("; ".join(faults))
    return ", ".join(f"{each.name} of {each.dated}" for each in packs) or "none: only our own anchors count"


def _names(classifiers: Sequence[AnyClassifier]) -> str:
    return ", ".join(f"{each.name} {each.version[:12]}" for each in classifiers)
