"""From curves and cards to a posterior."""
