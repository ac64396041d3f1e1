"""What trains and is measured: command lines, scikit-learn estimators, and the shards of data they learn from."""
