"""Meeting rooms and who has booked them."""

__version__ = "1.4.0"
