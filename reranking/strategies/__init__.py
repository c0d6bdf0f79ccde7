"""The ways to order candidates: one file per family."""
