"""The library door: three methods for a team that has its own generator. Start here to call framegate from Python.

    from api import open_framegate

    with open_framegate() as framegate:
        decision = framegate.check_prompt("a red ball on a meadow")            # before you generate
        verdict = framegate.screen_video("raw.mp4").verdict                    # any time
        outcome = framegate.release("raw.mp4", "out.mp4", prompt=decision)     # mark, screen, sign, record

Adds no judgement of its own: `safety.gate` judges, `safety.pipeline` releases.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from media.errors import StorageError
from media.limits import Limits
from provenance.base import ClaimInput
from safety.domain import Action, Checkpoint, Decision, JobStatus
from safety.errors import Conflict
from safety.gate import NAMESPACE, Gate
from safety.in_force import first, latest
from safety.known import ReleaseIndex
from safety.made_from import keep_inputs
from safety.measure import file_digest
from safety.pipeline import Outcome, release_clip
from safety.reference import InputGate
from safety.release import ReleaseDesk
from safety.whole_clip import load_clip
from safety.withdrawals import released_file


@dataclass(frozen=True)
class Framegate:
    """A gate before and after somebody else's generator."""

    gate: Gate
    desk: ReleaseDesk
    limits: Limits
    known: ReleaseIndex

    def check_prompt(
        self,
        text: str,
        *,
        scenes: Sequence[str] = (),
        requester: str = "",
        session: str = "",
        parent: str | None = None,
    ) -> Decision:
        """Judge a prompt and record the Decision; arguments and errors as `Gate.check_prompt`."""
        return self.gate.check_prompt(text, scenes=scenes, requester=requester, session=session, parent=parent)

    def check_input(self, prompt: Decision, reference: Path | str) -> Decision:
        """Judge a reference picture or video together with its prompt; raises as `InputGate.check`.

        Generate only where both Decisions allow.
        """
        return InputGate(self.gate, self.desk.watermark, self.known).check(prompt, reference)

    def screen_video(self, path: Path | str, *, requester: str = "") -> Decision:
        """Judge a video file as an output and record the Decision; raises as `Gate.screen_video`.

        `requester`: whose consents to show people count.
        """
        return self.gate.screen_video(path, requester=requester)

    def release(
        self,
        source: Path | str,
        destination: Path | str,
        *,
        prompt: Decision,
        inputs: Sequence[ClaimInput] = (),
    ) -> Outcome:
        """Mark, encode, screen, sign and register a generated video; write what may leave to `destination`.

        `inputs`: the pictures and videos it was made from. Each is judged with the prompt like a reference, and stands
        in the manifest as an ingredient with whatever manifest it carries itself.
        A held or refused input or video is an Outcome without a Release, and nothing is written. Calling again with the
        same Decision and files, after a reviewer decided about them, continues with the same job.

        Raises:
            Conflict: `prompt` is not a recorded prompt Decision that allows.
            InvalidContent: an input cannot be an ingredient, or two of them are parents.
            Withdrawn: it was released before, and withdrawn since.
            MediaError: the source cannot be decoded, or the result cannot be written.
            ProvenanceError, LedgerError, ReleaseError: nothing was released.
        """
        recorded = self.gate.ledger.decision(prompt.id)
        if recorded is None or recorded.checkpoint is not Checkpoint.PROMPT:
            raise Conflict(f"{prompt.id} is not a recorded decision about a prompt: call check_prompt first")
        ledger = self.gate.ledger
        made, in_force = first(ledger, recorded), latest(ledger, recorded)
        if in_force.verdict.action is not Action.ALLOW:
            raise Conflict(f"decision {in_force.id} does not allow this prompt; nothing may be released for it")
        source = Path(source)
        with tempfile.TemporaryDirectory(prefix="framegate-inputs-") as folder:
            kept = keep_inputs(inputs, Path(folder))
            made_of = "".join(f"/{each.relation}:{file_digest(each.path)}" for each in kept)
            job = f"ext_{uuid.uuid5(NAMESPACE, f'{made.id}/{file_digest(source)}{made_of}').hex}"
            before = [in_force, *(self._judge_input(recorded, each.path, job) for each in kept)]
            stopped = next((each for each in before if each.verdict.action is not Action.ALLOW), None)
            if stopped is not None:
                refused = stopped.verdict.action is Action.BLOCK
                return Outcome(JobStatus.REFUSED if refused else JobStatus.HELD, stopped)
            outcome = release_clip(self.gate, self.desk, load_clip(source, self.limits), job, before, kept)
        if outcome.release is not None:
            file = released_file(self.known.withdrawals, self.desk.blobs, outcome.release)
            write_released(file, Path(destination))
        return outcome

    def _judge_input(self, prompt: Decision, path: Path, job: str) -> Decision:
        """Return the Decision in force about an input: the gate's, or the last by which reviewers superseded it."""
        decision = InputGate(self.gate, self.desk.watermark, self.known).check(prompt, path, job=job)
        return latest(self.gate.ledger, decision)


def write_released(blob: Path, destination: Path) -> None:
    """Copy a released file out of the store, whole or not at all.

    Raises:
        StorageError: the destination cannot be written.
    """
    partial = destination.with_name(f".{destination.name}.partial")
    try:
        shutil.copyfile(blob, partial)
        partial.replace(destination)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(f"{destination} cannot be written: {error.strerror}") from error
