"""Undo, redo, revert and restore-to: nothing is removed; events are appended that take others back."""
