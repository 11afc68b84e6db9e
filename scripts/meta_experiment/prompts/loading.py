"""Faults that keep the client from loading a prompt file at all."""

from __future__ import annotations

from meta_experiment.prompts.agent_variants import agent_fault
from meta_experiment.prompts.identity import PromptKind

_LARGEST = 1024 * 1024  # bytes


def loading_fault(kind: PromptKind, data: bytes) -> str:
    """Say why the client does not load a prompt file; "" when it does, or may."""
    if len(data) > _LARGEST:
        return "it is larger than 1 MiB"
    return agent_fault(data) if kind is PromptKind.AGENT else ""
