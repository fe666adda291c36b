"""From a question to an answer, a question back, or a refusal."""
