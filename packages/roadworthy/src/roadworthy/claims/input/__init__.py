"""Claims about what the service takes in."""
