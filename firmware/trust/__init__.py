"""Trust: what the camera believes of its inbox, and when: site, list, floors, clock, end of a list.

Imports `record`, `identity`, `config` and `errors`; `looking`, `station` and `watch` import it.
"""
