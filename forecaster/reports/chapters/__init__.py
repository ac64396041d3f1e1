"""Chapters of a memo between its first page and its appendix: each the answer to one more question."""
