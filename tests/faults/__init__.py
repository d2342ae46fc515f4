"""Sweeps of faults: every system call, every cut of the power, every bit, and a writer that is not careful enough."""
