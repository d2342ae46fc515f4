"""The log as bytes: lines and their chain, the file, its lock and sync, what a crash leaves, what damage is."""
