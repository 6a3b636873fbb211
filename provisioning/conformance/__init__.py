"""The interface to the public TUF client conformance suite.

It imports no other module of this package, and no other module imports it.
"""
