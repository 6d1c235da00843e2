"""What an expander made of a job's prompt: written once, kept with the job, the same however often a step repeats."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from generator.base import PromptExpander, Revision
from safety.domain import Decision, Job


class RevisionRecords(Protocol):
    """Where revisions are kept, sealed as prompts are: `safety.lookup.JobStore`."""

    def revision(self, id_: str) -> Revision | None:
        """Return a job's revision, if it has one; raises NotFound."""

    def keep_revision(self, id_: str, revision: Revision) -> Revision:
        """Keep a job's first revision and return the one that is kept; raises NotFound."""


@dataclass(frozen=True)
class Revisions:
    """Expands prompts, each once."""

    expander: PromptExpander
    records: RevisionRecords

    def of(self, job: Job) -> Revision:
        """Return what is drawn for a job.

        Raises:
            GeneratorError: the expander brought nothing usable.
            NotFound, DatabaseError: it cannot be kept.
        """
        kept = self.records.revision(job.id)
        return kept or self.records.keep_revision(job.id, self.expander.revise(job.prompt, job.seed))


def text_behind(job: Job, decision: Decision) -> str:
    """Return the text that a Decision at `prompt` is about, the prompt or what was made of it; empty where erased."""
    texts = (job.prompt, job.revision.prompt if job.revision else "")
    return next((each for each in texts if each and subject_of(each) == decision.subject), "")


def subject_of(text: str) -> str:
    """Return how a Decision names a text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
