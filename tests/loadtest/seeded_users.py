"""The users that the fixture `site` creates: user1, user2, … with the ids 1 to USER_COUNT."""

PASSWORD = "of-a-load-test"
USER_COUNT = 60
