"""Nouns: frozen values that are valid or not made at all. No I/O, no clock."""
