"""Faults, named by what the client of a dependency sees; one file each. The proxy applies them."""
