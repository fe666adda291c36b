"""Claims about the service when something that it talks to fails."""
