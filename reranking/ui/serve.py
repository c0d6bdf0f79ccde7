"""Starts the app's server: `python -m reranking.ui.serve SCRIPT [OPTION ...]`."""

from __future__ import annotations

import sys


def main() -> None:
    """Serve a script with Streamlit's own command line.

    Until a script has called `st.navigation` once, Streamlit runs a page whose address is opened
    first by itself, without app.py, because its folder is called "pages". Saying beforehand that
    the folder is not meant that way keeps the first page like all others.
    """
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web.cli import main as streamlit

    PagesManager.uses_pages_directory = False
    sys.argv = ["streamlit", "run", *sys.argv[1:]]
    streamlit()


if __name__ == "__main__":
    main()
