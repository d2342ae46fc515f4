"""Bring a register to what a list says: read the list, plan, write the plan."""
