"""Nouns: frozen values that are valid or not made at all. No I/O, no clock.

Named tuples where `sig verify` needs them: `dataclasses`, and a dozen classes made by it, take as
long to load as a whole command line library.
"""
