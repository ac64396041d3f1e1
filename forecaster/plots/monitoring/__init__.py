"""Figures of forecasts over time: records, and new measurements beside their forecast."""
