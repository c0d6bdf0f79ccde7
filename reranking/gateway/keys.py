"""By which keys a request is known to the archive, and how its parts become one reply again."""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

from reranking.models import Model
from reranking.replies import Failed, PartedReply, Reply
from reranking.requests import PerText, Request


def is_cacheable(model: Model | Failed) -> bool:
    """Whether replies of the model mean the same tomorrow."""
    return getattr(model, "fingerprint", None) is not None


def is_joint(model: Model) -> bool:
    """Whether the texts of one request to the model influence each other."""
    return bool(getattr(model, "joint", False))


def keys_of(request: Request, model: Model | Failed) -> tuple[str, ...]:
    """One key for the request, or one per text. An object without a fingerprint is only itself."""
    if isinstance(model, Failed):
        return ()
    identity = getattr(model, "fingerprint", None) or f"object:{id(model)}"
    head: list[Any] = [identity, request.kind, request.nonce]
    if getattr(model, "reads_shown", False):
        head.append(request.shown)
    if isinstance(request, PerText) and not is_joint(model):
        return tuple(_digest([*head, request.content_of(at)]) for at in range(len(request.texts)))
    return (_digest([*head, request.content()]),)


def joined(request: Request, replies: list[Reply]) -> Reply:
    """The reply to `request` from those that its keys stand for, in their order."""
    if not isinstance(request, PerText) or not isinstance(replies[0], PartedReply):
        return replies[0]
    if len(replies) == 1 and len(request.texts) == replies[0].size():
        return replies[0]
    return type(replies[0]).joined(cast(list[PartedReply], replies))


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
