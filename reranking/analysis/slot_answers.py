"""What a model said of the passages in one prompt, slot by slot: the raw material of slot and pairwise bias."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlotAnswer:
    """One answered prompt. `shown[slot]` is the document (original position) in that slot of the prompt.

    `order` holds slots from best to worst, as far as the reply states them; for a question for
    the best one alone it is that slot, and it is empty where the reply names none or cannot tell
    two best apart. `run` numbers the shuffle in which it was asked.
    """

    run: int
    shown: tuple[int, ...]
    order: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(set(self.order)) < len(self.order) or not set(self.order) <= set(range(len(self.shown))):
            raise ValueError("the order of an answer names slots of its prompt, each once")

    @property
    def best(self) -> int | None:
        """The slot that is named best."""
        return self.order[0] if self.order else None
