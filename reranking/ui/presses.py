"""Presses on buttons in blocks of HTML, none of which is lost while the browser still loads what answers them.

The browser shows such a block at once and loads a component's script up to half a second later.
A script of the page itself is there before: it keeps the last element pressed as `document.rlPressed`.
A component that listens begins with `ANSWER` and calls `answer` with a function of the pressed
element that says whether it is one of its own. What nobody answers for ten seconds is forgotten.
"""

from __future__ import annotations

import streamlit as st

KEEP = """<script>
if (!document.rlKeeping) {
  document.rlKeeping = true;
  document.addEventListener("click", event => {
    document.rlPressed = { element: event.target, at: performance.now() };
  }, true);
}
</script>"""

ANSWER = """
function answer(pressed, signal) {
  const tell = element => { if (pressed(element)) document.rlPressed = null; };
  document.addEventListener("click", event => tell(event.target), { signal });
  const { element, at } = document.rlPressed ?? {};
  if (element?.isConnected && performance.now() - at < 10000) tell(element);
}
"""


def keep() -> None:
    """Keep what is pressed from now on until a component has answered it."""
    with st.container(key="presses"):
        st.html(KEEP, unsafe_allow_javascript=True)
