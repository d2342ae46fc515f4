"""The two times of an event, when it happened and when it was recorded: what was true at a time."""
