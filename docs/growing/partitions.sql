-- The six tables that grow with the users' activity, partitioned by the user (follows: by the follower), on MariaDB.
-- Each is made beside the old one, filled, and put in its place. While it is filled nobody may write the old one: stop
-- the writers, or let a tool for online schema changes do the same. tests/partitions runs this file.
--
-- A partitioned table has no foreign keys, and every unique key of it contains the partition's column:
-- docs/growing/partitions.md says what follows.

CREATE TABLE social_follow_new LIKE social_follow;
ALTER TABLE social_follow_new DROP PRIMARY KEY, ADD PRIMARY KEY (id, follower_id)
    PARTITION BY KEY (follower_id) PARTITIONS 64;
INSERT INTO social_follow_new SELECT * FROM social_follow;
RENAME TABLE social_follow TO social_follow_old, social_follow_new TO social_follow;

CREATE TABLE posts_like_new LIKE posts_like;
ALTER TABLE posts_like_new DROP PRIMARY KEY, ADD PRIMARY KEY (id, user_id)
    PARTITION BY KEY (user_id) PARTITIONS 64;
INSERT INTO posts_like_new SELECT * FROM posts_like;
RENAME TABLE posts_like TO posts_like_old, posts_like_new TO posts_like;

CREATE TABLE posts_favorite_new LIKE posts_favorite;
ALTER TABLE posts_favorite_new DROP PRIMARY KEY, ADD PRIMARY KEY (id, user_id)
    PARTITION BY KEY (user_id) PARTITIONS 64;
INSERT INTO posts_favorite_new SELECT * FROM posts_favorite;
RENAME TABLE posts_favorite TO posts_favorite_old, posts_favorite_new TO posts_favorite;

CREATE TABLE ratings_score_new LIKE ratings_score;
ALTER TABLE ratings_score_new DROP PRIMARY KEY, ADD PRIMARY KEY (id, user_id)
    PARTITION BY KEY (user_id) PARTITIONS 64;
INSERT INTO ratings_score_new SELECT * FROM ratings_score;
RENAME TABLE ratings_score TO ratings_score_old, ratings_score_new TO ratings_score;

-- A claim belongs to one user, so (claim, type) stays unique.
CREATE TABLE popups_event_new LIKE popups_event;
ALTER TABLE popups_event_new DROP PRIMARY KEY, ADD PRIMARY KEY (id, user_id),
    DROP KEY popups_event_once, ADD UNIQUE KEY popups_event_once (claim, type, user_id),
    DROP KEY stream_id, ADD UNIQUE KEY stream_id (stream_id, user_id)
    PARTITION BY KEY (user_id) PARTITIONS 64;
INSERT INTO popups_event_new SELECT * FROM popups_event;
RENAME TABLE popups_event TO popups_event_old, popups_event_new TO popups_event;

CREATE TABLE popups_userpopup_new LIKE popups_userpopup;
ALTER TABLE popups_userpopup_new DROP PRIMARY KEY, ADD PRIMARY KEY (id, user_id)
    PARTITION BY KEY (user_id) PARTITIONS 64;
INSERT INTO popups_userpopup_new SELECT * FROM popups_userpopup;
RENAME TABLE popups_userpopup TO popups_userpopup_old, popups_userpopup_new TO popups_userpopup;
