"""Do we believe it? Pure: no I/O, no clock, no keys."""
