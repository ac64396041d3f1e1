"""The decision memo; no statistics."""
