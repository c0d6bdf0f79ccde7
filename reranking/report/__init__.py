"""A session as one self-contained HTML file, to send to a colleague."""
