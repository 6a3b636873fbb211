"""Mutation testing: break one guarded line in a copy of this tree, and see that its test fails.

mutmut and cosmic-ray mutate every line of a kind, and find tests by coverage or by one command;
neither takes a list of chosen lines, each with the test that must fail.

Imports nothing of the other rooms; `make mutants` starts it, and only its test imports it.
"""
