"""Where to measure next: candidates, what each would teach, and what that is worth."""
