"""Models with a known truth: one that is always right, and ones that are wrong in known ways."""

from __future__ import annotations

import json
import math

import numpy as np

from reranking.gateway import Gateway
from reranking.models import ModelError
from reranking.replies import Attention, Choices, LogLikelihood, Scores, Text, TokenVectors, Vectors
from reranking.requests import Attend, Choose, Embed, EmbedTokens, Generate, Likelihood, PerText, Score


def said(request):
    """What a request tells the model, in one text."""
    if isinstance(request, Attend):
        return "".join(piece.text for piece in request.pieces)
    return "\n\n".join(message.text for message in request.messages if message.text)


class PerfectOracle:
    """Answers every question from `grades` (original position -> grade from 0 to 1)."""

    answers = frozenset({Generate, Choose, Likelihood, Attend, Score, Embed, EmbedTokens})
    reads_shown = True
    name = "oracle"

    def __init__(self, grades, fingerprint=None):
        self.grades = list(grades)
        self.asked = []
        if fingerprint:
            self.fingerprint = fingerprint

    async def answer(self, request):
        self.asked.append(request)
        grades = [self.grades[index] for index in request.shown]
        if isinstance(request, Embed | EmbedTokens):
            return self.embed(request, grades)
        if isinstance(request, Score):
            return Scores(scores=tuple(grades), score_kind="truth", cut=(False,) * len(grades))
        if isinstance(request, Likelihood):
            return LogLikelihood(logprob=4 * math.log(grades[0] * 0.9 + 0.05), tokens=4)
        if isinstance(request, Choose):
            return Choices(logprobs=self.choose(request, grades))
        if isinstance(request, Attend):
            return self.attend(request, grades)
        return Text(text=self.write(request, grades))

    def attend(self, request, grades):
        """Two heads that attend to four tokens of each passage by its grade, and to none when nothing is asked."""
        asked = "".join(piece.text for piece in request.pieces if piece.label == "query")
        worth = [0.0 if asked == "N/A" else grade for grade in grades]
        return Attention(passages=tuple(np.full((2, 4), each, np.float32) for each in worth), heads=((0, 0), (0, 1)))

    def embed(self, request, grades):
        """Unit vectors whose dot product with the query's is the grade."""
        if request.role == "query":
            vectors = [np.array([1.0, 0.0], np.float32)]
        else:
            vectors = [np.array([grade, math.sqrt(1 - grade**2)], np.float32) for grade in grades]
        cut = (False,) * len(vectors)
        if isinstance(request, Embed):
            return Vectors(vectors=tuple(vectors), cut=cut)
        tables = tuple(vector[None, :] for vector in vectors)
        return TokenVectors(tokens=(("word",),) * len(tables), vectors=tables, cut=cut)

    def choose(self, request, grades):
        if request.task == "yes-no":
            yes = grades[0] * 0.9 + 0.05
            return (math.log(yes), math.log(1 - yes))
        if request.task == "grade":
            aim = grades[0] * (len(request.choices) - 1)
            weights = [math.exp(-abs(place - aim)) for place in range(len(request.choices))]
            return tuple(math.log(weight / sum(weights)) for weight in weights)
        if request.task == "pick":
            best = max(grades)
            weights = [grade - best for grade in grades]
            weights[weights.index(0)] += 1e-9  # the first of equals
            return tuple(10 * weight - 1 for weight in weights)
        raise AssertionError(request.task)

    def write(self, request, grades):
        if request.task == "grade":
            top = max(json.loads(request.schema)["properties"]["score"]["enum"])
            return json.dumps({"reason": "known", "quotes": [], "score": round(grades[0] * top)})
        if request.task == "grade-all":
            entry = json.loads(request.schema)["properties"]["grades"]["items"]["properties"]
            top = max(entry["score"]["enum"])
            scores = enumerate((round(grade * top) for grade in grades), start=1)
            return json.dumps({"grades": [{"passage": at, "reason": "known", "score": score} for at, score in scores]})
        if request.task == "aspects":  # the sum is right; the first aspects get as much of it as they can hold
            fields = json.loads(request.schema)["properties"]
            tops = {key: max(field["enum"]) for key, field in fields.items() if "enum" in field}
            left = round(grades[0] * sum(tops.values()))
            parts = {}
            for key, top in tops.items():
                parts[key] = min(top, left)
                left -= parts[key]
            return json.dumps({"reason": "known", **parts})
        if request.task == "order":
            order = sorted(range(len(grades)), key=lambda slot: -grades[slot])
            return " > ".join(f"[{slot + 1}]" for slot in order)
        raise AssertionError(request.task)


class Scripted:
    """Answers from `answer_with(request, number)`, which may raise."""

    answers = frozenset({Generate, Choose, Likelihood, Attend, Score, Embed, EmbedTokens})

    def __init__(self, answer_with, name="scripted", **extra):
        self.answer_with = answer_with
        self.name = name
        self.count = 0
        for key, value in extra.items():
            setattr(self, key, value)

    async def answer(self, request):
        self.count += 1
        reply = self.answer_with(request, self.count)
        return await reply if hasattr(reply, "__await__") else reply


BROKEN_TEXTS = {
    "empty": "",
    "refusing": "I'm sorry, I can't rank these 20 passages.",
    "repeating": "[1] > [1] > [1] > [2] > [2]",
    "inventing": "[99] > [2] > [0] > [-3] > [1000000000000000000000000]",
    "superscript": "[²] > [¹] > [③]",
    "long": "x [7] " * 8500,
    "half json": '{"ranking": [{"passage": 2, "reason": "because',
    "nested": "[" * 5000,
    "one-sided": "A",
    "other-sided": "B",
    "minus infinity": "-Infinity",
    "not a number": '{"ranking": [NaN], "grades": NaN, "score": NaN}',
    "mixed": '{"ranking": ["NaN", null], "score": -Infinity}',
}

BROKEN_CHOICES = {
    "one-sided": lambda count: (-0.0, *[None] * (count - 1)),
    "other-sided": lambda count: (*[None] * (count - 1), -0.1),
    "minus infinity": lambda count: (-math.inf,) * count,
    "not a number": lambda count: (math.nan,) * count,
    "mixed": lambda count: (math.nan, math.inf, *[-0.1] * count)[:count],
}
"""Log-probabilities for so many choices; a fault that is not named here gives None for each."""

ADVERSARIES = tuple(BROKEN_TEXTS)


def adversary(kind, fails=True):
    """A model whose every answer is broken in the way `kind` says; it fails each third call if it `fails`."""

    def answer(request, number):
        if fails and number % 3 == 0:
            raise ModelError("server", "The server failed (500).", raw="<html>")
        if isinstance(request, Choose):
            broken = BROKEN_CHOICES.get(kind, lambda count: (None,) * count)
            return Choices(logprobs=broken(len(request.choices)))
        if isinstance(request, Likelihood):
            return LogLikelihood(logprob=-math.inf, tokens=0)
        if isinstance(request, Attend):
            fewer = np.full((1, 3), np.nan, np.float32)
            return Attention(passages=(fewer,) * (len(request.shown) - number % 2), heads=((0, 0),))
        if isinstance(request, PerText):
            size = len(request.texts)
            if isinstance(request, Score):
                return Scores(scores=(math.nan,) * size, score_kind="noise", cut=(False,) * size)
            return Vectors(vectors=(np.full(2, np.nan, np.float32),) * (size + 1), cut=(False,) * (size + 1))
        return Text(text=BROKEN_TEXTS[kind])

    return Scripted(answer, name=f"adversary:{kind}")


class Rounds:
    """A gateway that notes how many requests each dependent step had (`sizes`)."""

    def __init__(self):
        self.inner = Gateway(lambda ref: ref)
        self.sizes = []

    async def ask(self, requests, run):
        self.sizes.append(len(requests))
        return await self.inner.ask(requests, run)
