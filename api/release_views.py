"""What is shown of what left the house: releases, whether they were withdrawn, and what a file proves about itself.

Pure, like `api.views`. What everybody may ask for holds no reason, no name and no prompt.
"""

from __future__ import annotations

from api.views import Json
from safety.credential_words import sentences
from safety.domain import Release
from safety.lookup.withdrawals import Withdrawal
from safety.verify import Verification


def release_view(release: Release, withdrawal: Withdrawal | None = None) -> Json:
    """A Release, without the file."""
    return {
        "release": release.id,
        "withdrawn": withdrawn_view(withdrawal),
        "at": release.at.isoformat(),
        "job": release.job,
        "decisions": list(release.decisions),
        "sha256": release.sha256,
        "size_bytes": release.size_bytes,
        "watermark": release.watermark,
        "watermark_psnr_db": round(release.watermark_psnr_db, 2),
        "watermark_robust": release.watermark_robust,
        "manifest": release.manifest,
        "generator": release.generator,
        "conditions": list(release.conditions),
    }


def withdrawn_view(withdrawal: Withdrawal | None) -> Json | None:
    """That a release was withdrawn, for everybody: when, and the code; null where it may be served."""
    return None if withdrawal is None else {"at": withdrawal.at.isoformat(), "code": withdrawal.code}


def withdrawal_view(event: Withdrawal) -> Json:
    """A withdrawal or its end in full, for those who keep the record."""
    return {
        "object": "withdrawal",
        "id": event.id,
        "release": event.release,
        "state": event.state,
        "at": event.at.isoformat(),
        "by": event.by,
        "code": event.code,
        "reason": event.reason,
        "erased": event.erased,
    }


def credential_view(seen: Verification) -> Json:
    """What `verify` answers about a file."""
    credential = seen.credential
    return {
        "state": credential.state.value,
        "watermark": seen.watermark,
        "timestamp": credential.signed_at.isoformat() if credential.signed_at else None,
        "release": seen.release,
        "exact": seen.exact,
        "withdrawn": withdrawn_view(seen.withdrawal),
        "issuer": credential.issuer or None,
        "trusted_by": list(credential.trusted_by),
        "manifest": credential.label or None,
        "source_types": list(credential.source_types),
        "failures": list(credential.failures),
        "ingredients": credential.detail.get("ingredients", []),
        "told": sentences(credential),
    }
