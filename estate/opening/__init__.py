"""Opening events with a reviewer's key, and describing them on a terminal or a page.

Imports `intake`, `signed_site` and `errors`; `console` and `commands` import it.
"""
