"""Keys of the desk: passphrases, PKCS#11 tokens, and fingerprints as twelve words.

Imports `errors` and `disk`; every other folder may import it.
"""
