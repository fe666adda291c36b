"""The language model: proposes plans as JSON, through any API that talks like OpenAI's. It sees no cell of a table."""
