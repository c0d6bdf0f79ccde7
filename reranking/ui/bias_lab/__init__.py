"""The position-bias lab: choosing a test, what it shows, and what would help."""
