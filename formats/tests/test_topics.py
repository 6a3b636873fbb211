"""MQTT topics and filters: read as written; broken ones are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import Malformed
from formats.tests.make_vectors import FOLDER
from formats.topics import Channel, Topic, every_camera, parse_topic, shared

VECTORS = json.loads((FOLDER / "topics.json").read_text())


@given(st.builds(Topic, st.binary(min_size=16, max_size=16), st.sampled_from(Channel)))
def test_a_topic_is_read_as_it_was_written(topic: Topic) -> None:
    assert parse_topic(str(topic)) == topic


@pytest.mark.parametrize("text", VECTORS["good"])
def test_the_published_topics_are_read(text: str) -> None:
    assert str(parse_topic(text)) == text


@pytest.mark.parametrize("text", VECTORS["broken"])
def test_a_broken_topic_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_topic(text)


def test_a_short_camera_id_is_refused() -> None:
    with pytest.raises(Malformed):
        Topic(bytes(15), Channel.EVENT)


def test_the_filter_takes_one_channel_of_every_camera() -> None:
    assert every_camera(Channel.EVENT) == "tallylight/v1/+/event"


def test_the_shared_filter_names_its_group() -> None:
    assert shared("receivers-1", Channel.EVENT) == "$share/receivers-1/tallylight/v1/+/event"


@pytest.mark.parametrize("group", ["", "a/b", "#", "+", "A", "a" * 33, "a\n"])
def test_a_group_that_would_change_the_filter_is_refused(group: str) -> None:
    with pytest.raises(Malformed):
        shared(group, Channel.EVENT)
