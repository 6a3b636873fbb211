"""The estate's programs: receive sealed events, store them, review, destroy and report them."""
