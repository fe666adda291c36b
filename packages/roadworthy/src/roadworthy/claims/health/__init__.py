"""Claims about what the service says of its own health."""
