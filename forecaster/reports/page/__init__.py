"""The page beside a memo: what if; one file that answers offline from grids of quantiles."""
