"""What a home AI cluster can do right now."""
