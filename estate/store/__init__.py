"""The store: one SQL database with all tables, its migrations, and the estate's ledger.

Imports only `errors`; every folder above may import it.
"""
