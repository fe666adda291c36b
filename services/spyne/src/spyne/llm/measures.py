"""What is counted of the language model."""

from typing import Protocol

from chassis.observe.recorders import Counter, Histogram


class LlmMeasures(Protocol):
    """Its metrics."""

    @property
    def llm_latency(self) -> Histogram:
        """Seconds of a call."""

    @property
    def llm_tokens(self) -> Counter:
        """Tokens by kind."""

    @property
    def llm_failures(self) -> Counter:
        """Calls that gave no plan, by reason."""
