"""Forecasts written down before the run: a chained file of them, and how they turned out."""
