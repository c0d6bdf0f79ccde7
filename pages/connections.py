"""Connections: which models can be asked, with whose key, how much, and what they can do."""

from reranking.ui import connections, page

page.begin()
connections.show()
