"""The command line as it is typed: how it is read, completed, and explained where it is wrong."""
