"""May these numbers be decided on? Verdicts PASS, REVIEW or FAIL."""
