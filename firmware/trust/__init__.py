"""Trust: which list the camera accepts: TUF verification, rollback floors, clock, destruction.

Imports `record`, `identity`, `config` and `errors`; `looking`, `station` and `watch` import it.
"""
