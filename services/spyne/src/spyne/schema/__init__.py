"""What a database holds: tables, columns, keys and values, read from the database itself."""
