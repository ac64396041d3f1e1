"""Measuring a curve: nested shards, a grid of models on each, and a record of every run."""
