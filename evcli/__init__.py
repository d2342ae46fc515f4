"""evcli: an append-only user register. Every command is an event; the present is a fold of the log."""

__version__ = "0.1.0"
