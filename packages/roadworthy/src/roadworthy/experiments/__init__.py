"""Experiments: each stimulates the target and records what it sees. They hold no opinion; claims do."""
