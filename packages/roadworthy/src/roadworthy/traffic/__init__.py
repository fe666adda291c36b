"""Requests to the target: the client, transactions, what its OpenAPI document tells, and hostile input."""
