-- What each idempotency key is bound to; of a key bound twice, the first.
CREATE TABLE keys (
    digest BLOB PRIMARY KEY,  -- 16 bytes that stand for account, kind and key
    position INTEGER NOT NULL  -- of the command's record
) STRICT, WITHOUT ROWID;
