"""What operators see: logs, metrics, golden signals, traces, errors, slow operations. Each in a module of its own."""
