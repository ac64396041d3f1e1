"""The demo: memos of the shipped examples, written to files, and a forecast kept over time."""
