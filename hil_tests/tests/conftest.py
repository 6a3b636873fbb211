"""How hard hypothesis looks: as usual in the tests, much harder for `make long-fuzz`."""

from hypothesis import settings

settings.register_profile("fuzz", max_examples=5_000)
