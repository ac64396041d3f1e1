"""Figures of registered forecasts."""
