"""What must be written down so that it can be checked later: the ledger."""
