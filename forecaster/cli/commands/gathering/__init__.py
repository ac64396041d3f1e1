"""Verbs that make the table of curves."""
