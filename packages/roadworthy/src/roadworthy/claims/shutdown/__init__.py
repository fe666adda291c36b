"""Claims about stopping."""
