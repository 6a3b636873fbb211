"""Opening: decrypt events with a reviewer's key, put them into words, open portraits.

Imports `intake` and `signed_site`; `accounts`, `console` and `commands` import it.
"""
