"""Reads a report as a browser would: its elements, their attributes, and the text that a reader sees."""

from __future__ import annotations

import json
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link", "base", "source"}


class Page(HTMLParser):
    """`elements` are (tag, attributes) in order; `scripts` and `styles` hold their texts, `text` all that is shown."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.html = html
        self.elements, self.scripts, self.styles, self.shown, self.comments = [], [], [], [], []
        self.open = []
        self.feed(html)
        self.close()
        self.text = collapsed("".join(self.shown))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in {"p", "li", "td", "th", "div", "h1", "h2", "h3", "h4", "summary", "article", "figcaption", "pre"}:
            self.shown.append("\n")
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag, f"</{tag}> closes {self.open[-1]}"
        self.open.pop()

    def handle_data(self, data):
        tag, attributes = self.open[-1] if self.open else ("", {})
        if tag == "script":
            self.scripts.append((attributes, data))
        elif tag == "style":
            self.styles.append(data)
        elif tag != "title":
            self.shown.append(data)

    def handle_comment(self, data):
        self.comments.append(data)

    def having(self, tag, **attributes):
        """The elements of that name and those attributes."""
        return [
            found for name, found in self.elements
            if name == tag and all(found.get(key) == value for key, value in attributes.items())
        ]  # fmt: skip

    @property
    def figures(self):
        """The data of the charts."""
        return [
            json.loads(text) for attributes, text in self.scripts
            if attributes.get("type") == "application/json" and "id" not in attributes
        ]  # fmt: skip

    @property
    def policy(self):
        """The content security policy by directive."""
        (meta,) = self.having("meta", **{"http-equiv": "Content-Security-Policy"})
        return {part.split()[0]: part.split()[1:] for part in meta["content"].split(";")}

    def says(self, text):
        """Whether a reader sees that text, whatever the white space."""
        return collapsed(text) in self.text


def collapsed(text):
    return " ".join(text.split())


def strings(value):
    """Every string within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
