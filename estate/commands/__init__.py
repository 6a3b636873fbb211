"""The commands of `tallylight-estate`, one module for each noun.

A command reads its options, calls the other folders, and prints the result. It decides nothing.
"""
