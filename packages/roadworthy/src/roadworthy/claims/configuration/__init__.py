"""Claims about settings: what happens when one is missing."""
