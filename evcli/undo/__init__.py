"""Undo, redo, revert and restore-to: nothing is removed; events are appended that take others back."""

UNDO, REDO, REVERT, RESTORE_TO, WHAT_IF = "undo:", "redo:", "revert:", "restore-to:", "what-if:"
"""What the correlation ids of a command's events begin with: its name."""
TAKING_BACK = (UNDO, REDO, REVERT)
"""Those of the commands whose events each take one event back."""
COMMANDS = tuple(word.removesuffix(":") for word in (*TAKING_BACK, RESTORE_TO, WHAT_IF))
"""The names of these commands."""
