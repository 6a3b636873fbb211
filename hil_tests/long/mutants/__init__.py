"""Mutation testing: break one guarded line in a copy of this tree, and see that its test fails."""
