"""Simple rivals of the forecast: baselines, and a power law with conformal intervals."""
