"""The typed query plan: what everything that answers a question proposes, and all that SQL is rendered from."""
