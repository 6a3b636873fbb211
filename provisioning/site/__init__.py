"""The site: folder, plan, key ceremony and minutes, TUF roles, key rotation, policy.

Imports `keys`, `errors` and `disk`; `nets`, `lists`, `broker` and `commands` import it.
"""
