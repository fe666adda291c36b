"""The target: what it is, its processes, its ports, its dependencies and how they are rewired."""
