"""Spyne: ask a database in plain language, and be asked back."""
