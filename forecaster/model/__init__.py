"""The generative model: law, drift, noise."""
