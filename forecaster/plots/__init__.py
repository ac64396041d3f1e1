"""Figures, each from a table that the user can have, too."""
