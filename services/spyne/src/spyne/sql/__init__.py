"""SQL: written from plans and from nothing else, and let through to a database only by an allow-list."""
