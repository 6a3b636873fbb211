"""Opening: decrypt events with a reviewer's key, show them on a terminal, open portraits.

Imports `intake`, `signed_site` and `errors`; `console` and `commands` import it.
"""
