"""The claims, one a file, in a folder per category: documentation as data and a pure judge. No I/O.

A module whose name starts with an underscore holds what several judges share, and is no claim.
"""
