"""A session as one self-contained HTML file, to send to a colleague: `session_report(store, session)`."""

from reranking.report.gathered import Gathered, gather
from reranking.report.page import file_name, html, session_report

__all__ = ["Gathered", "file_name", "gather", "html", "session_report"]
