"""The figure of a measurement."""
