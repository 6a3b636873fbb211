"""What estate security runs: receive, keep sealed, answer with a receipt, open."""
