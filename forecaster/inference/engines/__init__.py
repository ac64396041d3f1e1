"""Engines: curves and cards in, draws from the posterior out."""
