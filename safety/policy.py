"""The policy in force: where the shipped one lies, and how one is loaded.

A policy is data. It is named by the SHA-256 of its bytes and refused, with the line, when it could let something pass
by accident. What it consists of is `safety.rules`, how it is read `safety.policy_reader`, how it judges `safety.judge`.
"""

from __future__ import annotations

from pathlib import Path

from safety.errors import PolicyError
from safety.policy_reader import parse_policy
from safety.rules import ESTIMATES, Category, Condition, Demand, Gap, Modifier, Policy, Rule

__all__ = [
    "DEFAULT_POLICY",
    "ESTIMATES",
    "Category",
    "Condition",
    "Demand",
    "Gap",
    "Modifier",
    "Policy",
    "Rule",
    "load_policy",
    "parse_policy",
]

DEFAULT_POLICY = Path(__file__).parent / "policies" / "default.toml"


def load_policy(path: Path = DEFAULT_POLICY) -> Policy:
    """Read and check a policy file.

    Raises:
        PolicyError: unreadable or inconsistent; the message begins with the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"policy {path} cannot be read: {error.strerror}") from error
    return parse_policy(data)
