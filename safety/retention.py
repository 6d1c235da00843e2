"""How long what is not the record is kept, and the chore that erases what is due and records that it did.

The rules are a file (`policies/retention.toml`), named by its digest like a policy. What is under a legal hold is left,
what may be evidence is kept longer. Everything here may be interrupted and run again.
"""

from __future__ import annotations

import hashlib
import tomllib
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from safety.domain import Job
from safety.erasure import Erasure
from safety.errors import Conflict, PolicyError
from safety.lookup.due import Due, Limits
from safety.lookup.legal_holds import refuse_if_job_held
from safety.still_store import StillStore

APPLIED = "retention_applied"
"""Kind of the ledger's entry about what was erased because it was due."""

CLASSES = ("prompts", "files", "stills", "names", "subjects")
"""What has a period of its own, in the order in which it is erased."""

DEFAULT_RETENTION = Path(__file__).parent / "policies" / "retention.toml"
BY_AGE = "its retention period ended"


@dataclass(frozen=True)
class RetentionRules:
    """Periods in days."""

    digest: str
    """`sha256:…` of the file."""

    days: Mapping[str, float]
    """Class -> days; a class that is missing is kept until somebody erases it."""

    longer_days: float
    categories: frozenset[str]
    """Prompts, files and stills of jobs with a finding of these are kept for `longer_days` at least."""


def load_retention(path: Path = DEFAULT_RETENTION) -> RetentionRules:
    """Read and check a retention file.

    Raises:
        PolicyError: it cannot be read, or would keep or erase something by accident.
    """
    try:
        data = path.read_bytes()
        table = tomllib.loads(data.decode())
    except OSError as error:
        raise PolicyError(f"retention {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(f"retention {path} is no TOML: {error}") from None
    longer = table.pop("longer", {"categories": [], "days": 0})
    days = table.pop("days", None)
    if table != {"schema": 1} or not isinstance(days, dict) or not isinstance(longer, dict):
        raise PolicyError(f"retention {path} needs `schema = 1`, [days] and, if wanted, [longer]; nothing else")
    if unknown := sorted(set(days) - set(CLASSES)):
        raise PolicyError(f"retention {path}: {unknown[0]!r} is no class; there are {', '.join(CLASSES)}")
    if set(longer) != {"categories", "days"} or not all(isinstance(each, str) for each in longer["categories"]):
        raise PolicyError(f"retention {path}: [longer] needs categories and days")
    for name, value in {**days, "longer": longer["days"]}.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_DAYS:
            raise PolicyError(f"retention {path}: {name} is {value!r}; a period is 0 to {MAX_DAYS} days")
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return RetentionRules(digest, dict(days), float(longer["days"]), frozenset(longer["categories"]))


MAX_DAYS = 36_500


@dataclass(frozen=True)
class Retention:
    """Erases what is due."""

    rules: RetentionRules
    erasure: Erasure
    due: Due
    stills: StillStore
    erase: Callable[[str], object]
    """Erases a Subject by its id and keeps the receipt; raises Conflict under a legal hold."""

    discard: Callable[[Job], int]
    """Deletes the files of a job."""

    clock: Callable[[], datetime]

    def apply(self, actor: str) -> Mapping[str, int]:
        """Erase everything that is due, record it, and return how much of which class that was.

        Nothing is recorded where nothing was due.

        Raises:
            LedgerError: it was erased and could not be recorded; the next run records only what it erases itself.
            StorageError: a file could not be deleted.
        """
        done: Counter[str] = Counter()
        try:
            for name in CLASSES:
                if name in self.rules.days:
                    done[name] = getattr(self, f"_{name}")(timedelta(days=self.rules.days[name]))
        finally:
            if counts := {name: count for name, count in done.items() if count}:
                self._record(actor, counts)
        return counts

    def _record(self, actor: str, counts: Mapping[str, int]) -> None:
        body: dict[str, Any] = {"rules": self.rules.digest, "actor": actor, "erased": dict(counts)}
        self.erasure.ledger.append_event(APPLIED, f"retention_{uuid.uuid4().hex}", body)

    def _prompts(self, age: timedelta) -> int:
        count, limits = 0, self._limits(age)
        while ids := self.due.prompts(limits):
            done = sum(self._erased(id_) for id_ in ids)
            count += done
            if done == 0:  # all of them were put under a legal hold meanwhile
                break
        return count

    def _erased(self, id_: str) -> bool:
        """Erase one prompt; False where it was put under a legal hold since it was found to be due."""
        try:
            self.erasure.jobs.erase_prompt(id_)
        except Conflict:
            return False
        return True

    def _files(self, age: timedelta) -> int:
        count = 0
        while ids := self.due.files(self._limits(age)):
            done = [id_ for id_ in ids if not self._held(id_)]
            for id_ in done:
                count += self.discard(self.erasure.jobs.get(id_))
                self.due.forget_files(id_)
            if not done:
                break
        return count

    def _held(self, id_: str) -> bool:
        """Whether a job was put under a legal hold since its files were found to be due."""
        try:
            refuse_if_job_held(self.erasure.engine, id_)
        except Conflict:
            return True
        return False

    def _stills(self, age: timedelta) -> int:
        limits, count = self._limits(age), 0
        for each in self.stills.stored_before(limits.usual):
            held, grave = self.due.kept_longer(each.owner, each.job, self.rules.categories)
            if not held and not (grave and each.at >= limits.longer):
                self.stills.discard(each.digest)
                count += 1
        return count

    def _names(self, age: timedelta) -> int:
        return self.due.erase_names(self.clock() - age)

    def _subjects(self, age: timedelta) -> int:
        count = 0
        for each in self.erasure.subjects.unused_since(self.clock() - age):
            try:
                self.erase(each.id)
            except Conflict:
                continue  # under a legal hold
            count += 1
        return count

    def _limits(self, age: timedelta) -> Limits:
        now = self.clock()
        longer = max(age, timedelta(days=self.rules.longer_days))
        return Limits(now - age, now - longer, self.rules.categories)
