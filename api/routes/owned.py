"""What belongs to whom: jobs and scans that a caller may see. What one may not see looks like what is not there."""

from __future__ import annotations

from api.auth import Caller
from api.wiring import House
from safety.domain import Job
from safety.errors import NotFound
from safety.lookup.scans import Scan


def job_of(house: House, caller: Caller, id_: str) -> Job:
    """Return a job that this caller asked for, or any for an admin.

    Raises:
        NotFound: there is none, it was deleted, or it is somebody else's.
    """
    job = house.jobs.get(id_)
    if not job.prompt or not caller.may_see(job.requester, "admin"):
        raise NotFound(f"no job has the id {id_}")
    return job


def scan_of(house: House, caller: Caller, id_: str) -> Scan:
    """Return a scan that this caller asked for, or any for a reviewer or auditor; raises as `job_of`."""
    scan = house.scans.get(id_)
    if not caller.may_see(scan.requester, "reviewer", "auditor"):
        raise NotFound(f"no scan has the id {id_}")
    return scan


def owns(house: House, caller: Caller, id_: str | None) -> bool:
    """Say whether this is the id of a job or scan that this caller may see; None belongs to nobody."""
    if id_ is None or not caller.may("requester"):
        return False
    for look in (job_of, scan_of):
        try:
            look(house, caller, id_)
        except NotFound:
            continue
        return True
    return False


def asked_for(house: House, caller: Caller, id_: str | None) -> bool:
    """Say whether this caller asked for the job or scan of this id, also where it was deleted or refused at once.

    For decisions: they stay when a video is gone, and an appeal quotes them.
    """
    if id_ is None or not caller.may("requester"):
        return False
    for look in (house.jobs.get, house.scans.get):
        try:
            return caller.may_see(look(id_).requester)
        except NotFound:
            continue
    return False
