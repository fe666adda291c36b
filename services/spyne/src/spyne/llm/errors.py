"""What the language model layer raises."""


class ModelError(Exception):
    """The model answered, and what it says is no use. `reason` is a stable name, such as "refusal"."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep both; neither holds what the model said."""
        self.reason = reason
        super().__init__(message)
