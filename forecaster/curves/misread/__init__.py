"""Misread tables: what shows that a table is not what it was read as, and how to read it instead."""
