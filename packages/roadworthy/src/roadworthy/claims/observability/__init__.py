"""Claims about what the service tells its operators."""
