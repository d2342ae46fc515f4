"""The cache: what a fold of the log gives, kept in a file so that commands need not fold. It may always be deleted."""
