"""Recordings on disk: JSON lines, blobs for long bodies, secrets redacted before anything is written."""
