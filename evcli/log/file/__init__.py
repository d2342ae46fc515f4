"""The file engine: lock, append, sync, and crash recovery."""
