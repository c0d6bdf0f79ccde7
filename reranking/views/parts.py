"""The style of the pieces of HTML that screens and reports share."""

from pathlib import Path

STYLE = Path(__file__).with_name("parts.css")
