"""The interface to the public TUF client conformance suite.

It stands apart: it imports nothing of this package, and nothing of this package imports it.
"""
