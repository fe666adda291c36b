"""Claims about starting: how long it takes, and whether it works twice."""
