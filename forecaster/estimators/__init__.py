"""The forecast as an estimator of scikit-learn: sizes in, errors with intervals out."""
