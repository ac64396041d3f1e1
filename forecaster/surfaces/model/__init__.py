"""The generative model of a loss over model size and data: law, drift, noise."""
