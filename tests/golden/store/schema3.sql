-- A store of schema 3. Rewritten by UPDATE=1, read by test_store_golden.
PRAGMA application_id = 1346459468;
PRAGMA user_version = 3;
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE shard (
  shard INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL            -- grows whenever a process takes the shard over
) STRICT;
CREATE TABLE definition (
  org INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the text
  text TEXT NOT NULL,
  outline TEXT,                     -- JSON, for the views: the states by their numbers
  PRIMARY KEY (org, hash)
) STRICT;
CREATE TABLE machine (
  org INTEGER NOT NULL,
  name TEXT NOT NULL,
  arn TEXT NOT NULL,
  definition BLOB NOT NULL CHECK (length(definition) = 32), -- hash of the current revision
  created_at INTEGER NOT NULL,      -- all times are UTC milliseconds since 1970
  updated_at INTEGER NOT NULL,
  body TEXT,                        -- JSON: type, role, description, configurations
  PRIMARY KEY (org, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE execution (
  key INTEGER PRIMARY KEY,          -- started_at * 32768 + a counter
  org INTEGER NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED')),
  shard INTEGER NOT NULL,
  id TEXT NOT NULL,                 -- UUIDv7 that holds the key
  name TEXT,                        -- the client's; NULL: named by its id
  arn TEXT NOT NULL,
  machine_arn TEXT NOT NULL,
  machine_name TEXT NOT NULL,
  definition BLOB NOT NULL CHECK (length(definition) = 32),
  started_at INTEGER NOT NULL,
  stopped_at INTEGER,
  wake_at INTEGER,                  -- the earliest deadline
  parent INTEGER,                   -- key of the execution that started this one
  parent_task INTEGER,
  map_run INTEGER,
  role_arn TEXT,                    -- NULL: the account's own
  origin TEXT,                      -- JSON: version, alias and revision it was started by
  express INTEGER,                  -- 1: of an Express machine
  redrive_count INTEGER,            -- how often it went on after it had ended
  redriven_at INTEGER,              -- the last time
  related INTEGER,                  -- key of the execution that it was made of
  relation TEXT                     -- reuses, restarts: what it is to it
) STRICT;
CREATE INDEX execution_running ON execution (org) WHERE status = 'RUNNING';
CREATE INDEX execution_wake ON execution (org, wake_at)
  WHERE status = 'RUNNING' AND wake_at IS NOT NULL;
CREATE INDEX execution_related ON execution (related) WHERE related IS NOT NULL;
CREATE TABLE execution_name (       -- only names that clients chose
  org INTEGER NOT NULL,
  name TEXT NOT NULL,
  machine_arn TEXT NOT NULL,
  execution INTEGER NOT NULL,
  PRIMARY KEY (org, name, machine_arn)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,          -- the order of commits
  execution INTEGER NOT NULL,
  turn INTEGER NOT NULL,            -- 0, 1, 2 ... in each execution
  org INTEGER NOT NULL,
  rules_version INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  at INTEGER NOT NULL,
  checksum INTEGER NOT NULL,        -- XXH3 of the body
  body TEXT NOT NULL,               -- JSON: the turn's values and events
  UNIQUE (execution, turn)
) STRICT;
CREATE TABLE snapshot (             -- saves folding a long journal; may be deleted
  execution INTEGER PRIMARY KEY,
  org INTEGER NOT NULL,
  turn INTEGER NOT NULL,            -- the first turn that is not in it
  checksum INTEGER NOT NULL,
  body TEXT NOT NULL                -- JSON
) STRICT;
CREATE TABLE object (               -- revisions, versions, aliases, activities, tags
  org INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,        -- grows with each change
  body TEXT NOT NULL,               -- JSON
  created_at INTEGER NOT NULL,
  PRIMARY KEY (org, kind, name)
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('secret', X'010203FAFBFC0000000000000000000000000000000000000000000000000000');
INSERT INTO shard VALUES (0, 1);
INSERT INTO shard VALUES (1, 1);
INSERT INTO shard VALUES (2, 1);
INSERT INTO shard VALUES (3, 1);
INSERT INTO shard VALUES (4, 1);
INSERT INTO shard VALUES (5, 1);
INSERT INTO shard VALUES (6, 1);
INSERT INTO shard VALUES (7, 1);
INSERT INTO shard VALUES (8, 1);
INSERT INTO shard VALUES (9, 1);
INSERT INTO shard VALUES (10, 1);
INSERT INTO shard VALUES (11, 1);
INSERT INTO shard VALUES (12, 1);
INSERT INTO shard VALUES (13, 1);
INSERT INTO shard VALUES (14, 1);
INSERT INTO shard VALUES (15, 1);
INSERT INTO shard VALUES (16, 1);
INSERT INTO shard VALUES (17, 1);
INSERT INTO shard VALUES (18, 1);
INSERT INTO shard VALUES (19, 1);
INSERT INTO shard VALUES (20, 1);
INSERT INTO shard VALUES (21, 1);
INSERT INTO shard VALUES (22, 1);
INSERT INTO shard VALUES (23, 1);
INSERT INTO shard VALUES (24, 1);
INSERT INTO shard VALUES (25, 1);
INSERT INTO shard VALUES (26, 1);
INSERT INTO shard VALUES (27, 1);
INSERT INTO shard VALUES (28, 1);
INSERT INTO shard VALUES (29, 1);
INSERT INTO shard VALUES (30, 1);
INSERT INTO shard VALUES (31, 1);
INSERT INTO shard VALUES (32, 1);
INSERT INTO shard VALUES (33, 1);
INSERT INTO shard VALUES (34, 1);
INSERT INTO shard VALUES (35, 1);
INSERT INTO shard VALUES (36, 1);
INSERT INTO shard VALUES (37, 1);
INSERT INTO shard VALUES (38, 1);
INSERT INTO shard VALUES (39, 1);
INSERT INTO shard VALUES (40, 1);
INSERT INTO shard VALUES (41, 1);
INSERT INTO shard VALUES (42, 1);
INSERT INTO shard VALUES (43, 1);
INSERT INTO shard VALUES (44, 1);
INSERT INTO shard VALUES (45, 1);
INSERT INTO shard VALUES (46, 1);
INSERT INTO shard VALUES (47, 1);
INSERT INTO shard VALUES (48, 1);
INSERT INTO shard VALUES (49, 1);
INSERT INTO shard VALUES (50, 1);
INSERT INTO shard VALUES (51, 1);
INSERT INTO shard VALUES (52, 1);
INSERT INTO shard VALUES (53, 1);
INSERT INTO shard VALUES (54, 1);
INSERT INTO shard VALUES (55, 1);
INSERT INTO shard VALUES (56, 1);
INSERT INTO shard VALUES (57, 1);
INSERT INTO shard VALUES (58, 1);
INSERT INTO shard VALUES (59, 1);
INSERT INTO shard VALUES (60, 1);
INSERT INTO shard VALUES (61, 1);
INSERT INTO shard VALUES (62, 1);
INSERT INTO shard VALUES (63, 1);
INSERT INTO shard VALUES (64, 1);
INSERT INTO shard VALUES (65, 1);
INSERT INTO shard VALUES (66, 1);
INSERT INTO shard VALUES (67, 1);
INSERT INTO shard VALUES (68, 1);
INSERT INTO shard VALUES (69, 1);
INSERT INTO shard VALUES (70, 1);
INSERT INTO shard VALUES (71, 1);
INSERT INTO shard VALUES (72, 1);
INSERT INTO shard VALUES (73, 1);
INSERT INTO shard VALUES (74, 1);
INSERT INTO shard VALUES (75, 1);
INSERT INTO shard VALUES (76, 1);
INSERT INTO shard VALUES (77, 1);
INSERT INTO shard VALUES (78, 1);
INSERT INTO shard VALUES (79, 1);
INSERT INTO shard VALUES (80, 1);
INSERT INTO shard VALUES (81, 1);
INSERT INTO shard VALUES (82, 1);
INSERT INTO shard VALUES (83, 1);
INSERT INTO shard VALUES (84, 1);
INSERT INTO shard VALUES (85, 1);
INSERT INTO shard VALUES (86, 1);
INSERT INTO shard VALUES (87, 1);
INSERT INTO shard VALUES (88, 1);
INSERT INTO shard VALUES (89, 1);
INSERT INTO shard VALUES (90, 1);
INSERT INTO shard VALUES (91, 1);
INSERT INTO shard VALUES (92, 1);
INSERT INTO shard VALUES (93, 1);
INSERT INTO shard VALUES (94, 1);
INSERT INTO shard VALUES (95, 1);
INSERT INTO shard VALUES (96, 1);
INSERT INTO shard VALUES (97, 1);
INSERT INTO shard VALUES (98, 1);
INSERT INTO shard VALUES (99, 1);
INSERT INTO shard VALUES (100, 1);
INSERT INTO shard VALUES (101, 1);
INSERT INTO shard VALUES (102, 1);
INSERT INTO shard VALUES (103, 1);
INSERT INTO shard VALUES (104, 1);
INSERT INTO shard VALUES (105, 1);
INSERT INTO shard VALUES (106, 1);
INSERT INTO shard VALUES (107, 1);
INSERT INTO shard VALUES (108, 1);
INSERT INTO shard VALUES (109, 1);
INSERT INTO shard VALUES (110, 1);
INSERT INTO shard VALUES (111, 1);
INSERT INTO shard VALUES (112, 1);
INSERT INTO shard VALUES (113, 1);
INSERT INTO shard VALUES (114, 1);
INSERT INTO shard VALUES (115, 1);
INSERT INTO shard VALUES (116, 1);
INSERT INTO shard VALUES (117, 1);
INSERT INTO shard VALUES (118, 1);
INSERT INTO shard VALUES (119, 1);
INSERT INTO shard VALUES (120, 1);
INSERT INTO shard VALUES (121, 1);
INSERT INTO shard VALUES (122, 1);
INSERT INTO shard VALUES (123, 1);
INSERT INTO shard VALUES (124, 1);
INSERT INTO shard VALUES (125, 1);
INSERT INTO shard VALUES (126, 1);
INSERT INTO shard VALUES (127, 1);
INSERT INTO shard VALUES (128, 1);
INSERT INTO shard VALUES (129, 1);
INSERT INTO shard VALUES (130, 1);
INSERT INTO shard VALUES (131, 1);
INSERT INTO shard VALUES (132, 1);
INSERT INTO shard VALUES (133, 1);
INSERT INTO shard VALUES (134, 1);
INSERT INTO shard VALUES (135, 1);
INSERT INTO shard VALUES (136, 1);
INSERT INTO shard VALUES (137, 1);
INSERT INTO shard VALUES (138, 1);
INSERT INTO shard VALUES (139, 1);
INSERT INTO shard VALUES (140, 1);
INSERT INTO shard VALUES (141, 1);
INSERT INTO shard VALUES (142, 1);
INSERT INTO shard VALUES (143, 1);
INSERT INTO shard VALUES (144, 1);
INSERT INTO shard VALUES (145, 1);
INSERT INTO shard VALUES (146, 1);
INSERT INTO shard VALUES (147, 1);
INSERT INTO shard VALUES (148, 1);
INSERT INTO shard VALUES (149, 1);
INSERT INTO shard VALUES (150, 1);
INSERT INTO shard VALUES (151, 1);
INSERT INTO shard VALUES (152, 1);
INSERT INTO shard VALUES (153, 1);
INSERT INTO shard VALUES (154, 1);
INSERT INTO shard VALUES (155, 1);
INSERT INTO shard VALUES (156, 1);
INSERT INTO shard VALUES (157, 1);
INSERT INTO shard VALUES (158, 1);
INSERT INTO shard VALUES (159, 1);
INSERT INTO shard VALUES (160, 1);
INSERT INTO shard VALUES (161, 1);
INSERT INTO shard VALUES (162, 1);
INSERT INTO shard VALUES (163, 1);
INSERT INTO shard VALUES (164, 1);
INSERT INTO shard VALUES (165, 1);
INSERT INTO shard VALUES (166, 1);
INSERT INTO shard VALUES (167, 1);
INSERT INTO shard VALUES (168, 1);
INSERT INTO shard VALUES (169, 1);
INSERT INTO shard VALUES (170, 1);
INSERT INTO shard VALUES (171, 1);
INSERT INTO shard VALUES (172, 1);
INSERT INTO shard VALUES (173, 1);
INSERT INTO shard VALUES (174, 1);
INSERT INTO shard VALUES (175, 1);
INSERT INTO shard VALUES (176, 1);
INSERT INTO shard VALUES (177, 1);
INSERT INTO shard VALUES (178, 1);
INSERT INTO shard VALUES (179, 1);
INSERT INTO shard VALUES (180, 1);
INSERT INTO shard VALUES (181, 1);
INSERT INTO shard VALUES (182, 1);
INSERT INTO shard VALUES (183, 1);
INSERT INTO shard VALUES (184, 1);
INSERT INTO shard VALUES (185, 1);
INSERT INTO shard VALUES (186, 1);
INSERT INTO shard VALUES (187, 1);
INSERT INTO shard VALUES (188, 1);
INSERT INTO shard VALUES (189, 1);
INSERT INTO shard VALUES (190, 1);
INSERT INTO shard VALUES (191, 1);
INSERT INTO shard VALUES (192, 1);
INSERT INTO shard VALUES (193, 1);
INSERT INTO shard VALUES (194, 1);
INSERT INTO shard VALUES (195, 1);
INSERT INTO shard VALUES (196, 1);
INSERT INTO shard VALUES (197, 1);
INSERT INTO shard VALUES (198, 1);
INSERT INTO shard VALUES (199, 1);
INSERT INTO shard VALUES (200, 1);
INSERT INTO shard VALUES (201, 1);
INSERT INTO shard VALUES (202, 1);
INSERT INTO shard VALUES (203, 1);
INSERT INTO shard VALUES (204, 1);
INSERT INTO shard VALUES (205, 1);
INSERT INTO shard VALUES (206, 1);
INSERT INTO shard VALUES (207, 1);
INSERT INTO shard VALUES (208, 1);
INSERT INTO shard VALUES (209, 1);
INSERT INTO shard VALUES (210, 1);
INSERT INTO shard VALUES (211, 1);
INSERT INTO shard VALUES (212, 1);
INSERT INTO shard VALUES (213, 1);
INSERT INTO shard VALUES (214, 1);
INSERT INTO shard VALUES (215, 1);
INSERT INTO shard VALUES (216, 1);
INSERT INTO shard VALUES (217, 1);
INSERT INTO shard VALUES (218, 1);
INSERT INTO shard VALUES (219, 1);
INSERT INTO shard VALUES (220, 1);
INSERT INTO shard VALUES (221, 1);
INSERT INTO shard VALUES (222, 1);
INSERT INTO shard VALUES (223, 1);
INSERT INTO shard VALUES (224, 1);
INSERT INTO shard VALUES (225, 1);
INSERT INTO shard VALUES (226, 1);
INSERT INTO shard VALUES (227, 1);
INSERT INTO shard VALUES (228, 1);
INSERT INTO shard VALUES (229, 1);
INSERT INTO shard VALUES (230, 1);
INSERT INTO shard VALUES (231, 1);
INSERT INTO shard VALUES (232, 1);
INSERT INTO shard VALUES (233, 1);
INSERT INTO shard VALUES (234, 1);
INSERT INTO shard VALUES (235, 1);
INSERT INTO shard VALUES (236, 1);
INSERT INTO shard VALUES (237, 1);
INSERT INTO shard VALUES (238, 1);
INSERT INTO shard VALUES (239, 1);
INSERT INTO shard VALUES (240, 1);
INSERT INTO shard VALUES (241, 1);
INSERT INTO shard VALUES (242, 1);
INSERT INTO shard VALUES (243, 1);
INSERT INTO shard VALUES (244, 1);
INSERT INTO shard VALUES (245, 1);
INSERT INTO shard VALUES (246, 1);
INSERT INTO shard VALUES (247, 1);
INSERT INTO shard VALUES (248, 1);
INSERT INTO shard VALUES (249, 1);
INSERT INTO shard VALUES (250, 1);
INSERT INTO shard VALUES (251, 1);
INSERT INTO shard VALUES (252, 1);
INSERT INTO shard VALUES (253, 1);
INSERT INTO shard VALUES (254, 1);
INSERT INTO shard VALUES (255, 1);
INSERT INTO definition VALUES (0, X'2BC2AB7F562D4B9C53D5A64B0712E96ECD9FD976A15ABCE2686E3144E9121145', '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}', NULL);
INSERT INTO machine VALUES (0, 'orders', 'arn:test:stateMachine:orders', X'44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C060F61CAAFF8A', 1750000000001, 1750000000002, '{"says":"{}"}');
INSERT INTO execution VALUES (57344000000000000, 0, 'SUCCEEDED', 0, '01977420-dc00-7000-8000-000000000000', 'monday', 'arn:test:execution:machine-0:monday', 'arn:test:stateMachine:machine-0', 'machine-0', X'0000000000000000000000000000000000000000000000000000000000000000', 1750000000000, 1750000009999, NULL, 57344000000000001, 2, 3, 'arn:aws:iam::000000000000:role/rôle', '{"revision":"7"}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO execution VALUES (57344000000000001, 0, 'RUNNING', 1, '01977420-dc00-7000-8e37-79b97f4a7c15', NULL, 'arn:test:execution:machine-1:01977420-dc00-7000-8e37-79b97f4a7c15', 'arn:test:stateMachine:machine-1', 'machine-1', X'0101010101010101010101010101010101010101010101010101010101010101', 1750000000001, NULL, 1750000001000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO execution VALUES (57344000000000002, 7, 'RUNNING', 2, '01977420-dc00-7000-946e-f372fe94f82a', 'monday', 'arn:test:execution:machine-0:monday', 'arn:test:stateMachine:machine-0', 'machine-0', X'0202020202020202020202020202020202020202020202020202020202020202', 1750000000002, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO execution_name VALUES (0, 'monday', 'arn:test:stateMachine:machine-0', 57344000000000000);
INSERT INTO execution_name VALUES (7, 'monday', 'arn:test:stateMachine:machine-0', 57344000000000002);
INSERT INTO journal VALUES (1, 57344000000000000, 0, 0, 1, 0, 1750000000000, 7072273660575494850, '{"v":["0 of 0, ü"],"e":[]}');
INSERT INTO journal VALUES (2, 57344000000000000, 1, 0, 1, 1, 1750000000001, 2060587390456329534, '{"v":["1 of 0, ü"],"e":[]}');
INSERT INTO journal VALUES (3, 57344000000000001, 0, 0, 1, 0, 1750000000001, 8123367978980153233, '{"v":["0 of 1, ü"],"e":[]}');
INSERT INTO snapshot VALUES (57344000000000001, 0, 1, -5033673361857549545, '{"waits":"it''s"}');
