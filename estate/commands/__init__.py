"""The commands of `tallylight-estate`, one file for each kind of work."""
