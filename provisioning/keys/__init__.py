"""Keys of the desk: passphrases and PINs, PKCS#11 tokens, fingerprints as twelve words.

Imports `errors` and `disk`; every other folder may import it.
"""
