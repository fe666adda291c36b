"""Claims about data that the service has accepted."""
