"""What a ranking's prompts show of the documents: less of them where a prompt is too long for the model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from reranking.documents import Candidates
from reranking.prompts.passages import Passages, passages
from reranking.ranking import Diagnostic
from reranking.replies import Failed
from reranking.requests import Request
from reranking.strategies.base import Answer

TOO_LONG = "context-too-long"

FEWEST_WORDS = 10
"""Passages are not shortened below this: what a model says of less is about the beginnings of sentences."""

HALF = 0.5

MARGIN = 0.9
"""Of the share that would fit: the rest of a prompt stays as long as it was."""

Build = Callable[[int], Request]
"""Makes a request whose passages have at most so many words each."""


class Shown:
    """The candidates of one ranking as its prompts show them, and what had to be shortened to fit.

    `whole` is what is shown of each unless it has to be shortened. Places are those in the list
    of candidates.
    """

    def __init__(self, candidates: Candidates, words: int, show_title: bool) -> None:
        self.candidates = candidates
        self.words = words
        self.show_title = show_title
        self.whole = passages(candidates, words, show_title)
        self._place = {candidate.index: place for place, candidate in enumerate(candidates)}
        self._fitted: dict[int, tuple[int, int]] = {}  # by original position: the fewest and the most words

    def passages(self, places: Sequence[int], words: int) -> Passages:
        """What is shown of the candidates at `places`, with at most `words` words of each."""
        return passages([self.candidates[place] for place in places], min(words, self.words), self.show_title)

    def texts(self, places: Sequence[int], words: int) -> list[str]:
        """The passages of the candidates at `places`, with at most `words` words of each."""
        if words >= self.words:
            return [self.whole.texts[place] for place in places]  # as almost always
        return list(self.passages(places, words).texts)

    def seen(self, place: int) -> tuple[str, str]:
        """The beginning of a candidate's text, and its title, as far as a model was shown them in the end."""
        fitted = self._fitted.get(self.candidates[place].index)
        if fitted is None:
            return self.whole.read[place], self.whole.titles[place]
        found = self.passages([place], fitted[0])
        return found.read[0], found.titles[0]

    def ask(
        self, builds: Sequence[Build], *, alike: bool = False
    ) -> Generator[list[Request], list[Answer], list[Answer]]:
        """Ask for what `builds` make; returns the answers in their order.

        A request that is too long for the model is asked again with less of its passages, all
        of them cut to the same number of words, until it fits or each has FEWEST_WORDS. With
        `alike` all requests show as few words as that of them which has to show the fewest.
        """
        words = [self.words] * len(builds)
        requests: list[Request] = [build(self.words) for build in builds]
        answers = yield requests
        least = 1.0
        while left := self._too_long(requests, answers, words, least):
            if alike:
                left = dict.fromkeys(range(len(builds)), min(left.values()))
            for at, fewer in left.items():
                words[at] = fewer
                requests[at] = builds[at](fewer)
            found = yield [requests[at] for at in left]
            for at, answer in zip(left, found, strict=True):
                answers[at] = answer
            least = HALF  # what the model said it reads was not enough, so this must come to an end
        for request, answer, most in zip(requests, answers, words, strict=True):
            if most < self.words and not isinstance(answer, Failed):
                self.was_shortened(self._places(request), most)
        return answers

    def fewer(self, places: Sequence[int], words: int, fits: float | None, least: float = HALF) -> int | None:
        """How many words of each passage to show after `words` were too many; None if there are no fewer.

        The passages are left with the share `fits` of what they show in all, or with half of it
        if that is not known, and with at most the share `least`. The longest are cut first.
        """
        share = HALF if fits is None else fits * MARGIN
        sizes = sorted(min(self.whole.words[place], words) for place in places)
        if not sizes or sizes[-1] <= FEWEST_WORDS:
            return None
        room = sum(sizes) * min(share, least)
        level = 0.0
        for at, size in enumerate(sizes):
            level = room / (len(sizes) - at)
            if size >= level:
                break
            room -= size
        return max(FEWEST_WORDS, min(int(level), sizes[-1] - 1))

    def was_shortened(self, places: Sequence[int], words: int) -> None:
        """Note that the passages at `places` were read with at most `words` words each."""
        for place in places:
            if self.whole.words[place] > words:
                index = self.candidates[place].index
                fewest, most = self._fitted.get(index, (words, words))
                self._fitted[index] = (min(fewest, words), max(most, words))

    def notes(self) -> list[Diagnostic]:
        """Which documents were shown in part, and which in a smaller part than they should have been."""
        return [*cut_note(self.whole.cut), *self.shortened()]

    def shortened(self) -> list[Diagnostic]:
        """A note on the documents that had to be shortened; `data["words"]` holds the fewest of each of `indexes`."""
        if not self._fitted:
            return []
        indexes = tuple(sorted(self._fitted))
        fewest = [self._fitted[index][0] for index in indexes]
        low, high = min(fewest), max(self._fitted[index][1] for index in indexes)
        what = "1 document was" if len(indexes) == 1 else f"{len(indexes)} documents were"
        message = (
            f"{what} shortened to {low if low == high else f'{low} to {high}'} words, since the prompt was too long "
            "for the model. Show fewer documents at once, or choose a model that reads more."
        )
        return [Diagnostic("shortened", message, indexes, data={"words": fewest})]

    def _too_long(
        self, requests: Sequence[Request], answers: Sequence[Answer], words: Sequence[int], least: float
    ) -> dict[int, int]:
        """The requests that can be asked again with fewer words, and with how many."""
        found: dict[int, int] = {}
        for at, answer in enumerate(answers):
            if isinstance(answer, Failed) and answer.code == TOO_LONG:
                fewer = self.fewer(self._places(requests[at]), words[at], answer.fits, least)
                if fewer is not None:
                    found[at] = fewer
        return found

    def _places(self, request: Request) -> list[int]:
        return [self._place[index] for index in request.shown]


def cut_note(cut: Sequence[int]) -> list[Diagnostic]:
    """A note on the documents that were shown in part, if any."""
    if not cut:
        return []
    what = "1 document was" if len(cut) == 1 else f"{len(cut)} documents were"
    return [Diagnostic("truncated", f"{what} longer than the model was shown; the rest was cut off.", tuple(cut))]
