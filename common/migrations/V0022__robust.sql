-- Animals of a herd that are gone, for questions about them.
CREATE INDEX animal_gone ON animal (owner, code) WHERE state = 'gone';
CREATE INDEX animal_gone ON training.animal (owner, code) WHERE state = 'gone';

-- Files that went back with the answer to a workbook, in the blob store: until they are too old.
ALTER TABLE workbook ADD COLUMN blobs text[] NOT NULL DEFAULT '{}';
CREATE INDEX workbook_blobs ON workbook (decided_at) WHERE blobs <> '{}';
