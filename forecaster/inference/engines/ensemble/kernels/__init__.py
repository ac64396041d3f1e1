"""The particle Gibbs kernel and what it is made of."""
