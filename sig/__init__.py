"""Sign what you reviewed, fetch what others signed, decide alone whose word counts."""

__version__ = "0.1.0"
