"""Readers and writers of the files that users bring and other tools use."""
