"""Opening: decrypt events with a reviewer's key, show them on a terminal, open portraits.

Imports `intake` and `signed_site`; `console` and `commands` import it.
"""
