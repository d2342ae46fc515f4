"""The terminal: words to intentions and back; tables, exit codes. The only layer that knows a person is there."""
