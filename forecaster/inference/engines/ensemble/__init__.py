"""The default engine: an ensemble of walkers updated by particle Gibbs."""
