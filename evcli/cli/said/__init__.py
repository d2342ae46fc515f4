"""What is said of larger work: imports, syncs, what is taken back, and what happened earlier."""
