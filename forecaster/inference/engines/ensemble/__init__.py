"""The default engine: an ensemble of walkers moved by particle Gibbs."""
