"""Importers: from what trackers and trainers export to the table that curves are read from."""
