"""Figures of ladders of errors."""
