"""Where claims live and travel. Moves bytes and believes nothing."""
