"""The engine of a file: lock, append, sync, and what a crash leaves."""
