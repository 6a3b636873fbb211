"""Records: the ledger on disk, and the counts of a period."""
