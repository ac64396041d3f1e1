"""The appendix of the memo: model, priors, provenance, and the checklist for reports of scaling laws."""
