"""What sig does: one file a verb. Prints nothing and asks nothing."""
