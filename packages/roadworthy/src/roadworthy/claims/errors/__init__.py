"""Claims about the answers to requests that go wrong."""
