"""A night: one verb, one file. plan, run, confirm, propose."""
