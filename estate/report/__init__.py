"""The public report: what was done in a period, from the ledgers and from nothing else."""
