"""The site: its folder, its plan, its TUF roles, key rotation, the ceremony and the policy.

Imports `keys`, `errors` and `disk`; `nets`, `lists`, `broker` and `commands` import it.
"""
