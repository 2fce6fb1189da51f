-- The read models: whatever people ask for, folded from the log. The files of this folder make an
-- empty database, in order; one of an older version is never altered but built anew. Those named
-- "indexes" wait until a build has caught up: to sort once is far cheaper than to insert in place.
-- Amounts are canonical integer TEXT (they may pass 64 bits); prices, quantities, times (µs since
-- 1970 UTC) and ids are INTEGER. "position" is where in the log it happened.

CREATE TABLE followers (
    name TEXT PRIMARY KEY,
    log_id TEXT NOT NULL,
    position INTEGER NOT NULL,  -- of the last seal that was followed
    hash TEXT NOT NULL,  -- of that seal
    at_us INTEGER NOT NULL  -- venue time there
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
    code TEXT PRIMARY KEY,
    decimals INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE markets (
    symbol TEXT PRIMARY KEY,
    base TEXT NOT NULL,
    quote TEXT NOT NULL,
    price_decimals INTEGER NOT NULL,
    quantity_decimals INTEGER NOT NULL,
    state TEXT NOT NULL,
    rulebook_version INTEGER NOT NULL,
    rules TEXT NOT NULL,  -- the whole instrument as JSON
    position INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    symbol TEXT NOT NULL,
    number INTEGER NOT NULL,
    account TEXT NOT NULL,
    side TEXT NOT NULL,
    type TEXT NOT NULL,
    time_in_force TEXT NOT NULL,
    post_only INTEGER NOT NULL,
    self_trade TEXT NOT NULL,
    client_order_id TEXT,
    price INTEGER,
    quantity INTEGER,  -- in all, less what it was reduced by
    budget TEXT,
    display INTEGER,
    trigger INTEGER,
    bound INTEGER,  -- the most that a purchase at market pays once it is triggered
    deadline_us INTEGER,
    other_number INTEGER,  -- of a list: the order that shares the hold while both are open
    leaves INTEGER NOT NULL,
    shown INTEGER NOT NULL,  -- what the book shows of it
    arrival INTEGER NOT NULL,  -- rises along a queue
    filled INTEGER NOT NULL,
    filled_value TEXT NOT NULL,  -- quote units
    prevented INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,  -- why it is no longer open
    rulebook_version INTEGER NOT NULL,
    created_position INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_position INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    PRIMARY KEY (symbol, number)
) STRICT, WITHOUT ROWID;

-- How often an order has joined a queue of the market: what the next arrival counts from.
CREATE TABLE queues (
    symbol TEXT PRIMARY KEY,
    arrivals INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trades (
    symbol TEXT NOT NULL,
    number INTEGER NOT NULL,
    price INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    value TEXT NOT NULL,  -- quote units
    taker_side TEXT NOT NULL,
    maker_order INTEGER NOT NULL,
    taker_order INTEGER NOT NULL,
    maker_account TEXT NOT NULL,
    taker_account TEXT NOT NULL,
    maker_fee TEXT NOT NULL,  -- in what the maker receives
    taker_fee TEXT NOT NULL,  -- in what the taker receives
    maker_ppm INTEGER NOT NULL,
    taker_ppm INTEGER NOT NULL,
    rebate TEXT NOT NULL,  -- what the maker got of the taker's fee, in that asset
    position INTEGER NOT NULL,  -- of its settlement
    at_us INTEGER NOT NULL,
    busted_position INTEGER,  -- of the correction that undid it
    PRIMARY KEY (symbol, number)
) STRICT, WITHOUT ROWID;

-- Each trade twice, as its maker and its taker see it.
CREATE VIEW fills AS
SELECT
    symbol, number AS trade, CASE taker_side WHEN 'buy' THEN 'sell' ELSE 'buy' END AS side,
    'maker' AS role, maker_order AS order_number, maker_account AS account, price, quantity, value,
    maker_fee AS fee, maker_ppm AS rate_ppm, rebate, position, at_us
FROM trades
UNION ALL
SELECT
    symbol, number, taker_side, 'taker', taker_order, taker_account, price, quantity, value,
    taker_fee, taker_ppm, '0', position, at_us
FROM trades;

-- Only spans with a trade are stored; a query fills the flat ones between them.
CREATE TABLE candles (
    symbol TEXT NOT NULL,
    span TEXT NOT NULL,  -- 1m, 5m, 15m, 1h, 4h, 1d
    start_us INTEGER NOT NULL,
    open INTEGER NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    close INTEGER NOT NULL,
    volume TEXT NOT NULL,  -- quantity units
    value TEXT NOT NULL,  -- quote units
    trades INTEGER NOT NULL,
    PRIMARY KEY (symbol, span, start_us)
) STRICT, WITHOUT ROWID;

CREATE TABLE balances (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,  -- the ledger's name of it
    asset TEXT NOT NULL,
    balance TEXT NOT NULL,
    position INTEGER NOT NULL,  -- of its last change
    last_line INTEGER NOT NULL,  -- its number
    line_count INTEGER NOT NULL
) STRICT;

-- The entries that a command has made, with their lines: one row, for rows cost more than all that
-- stands in them. Entries and lines are numbered gaplessly, in the order of the log. Amounts are
-- integers of any size: `->` gives them as they stand, `->>` would round.
CREATE TABLE postings (
    first_line INTEGER PRIMARY KEY,
    first_entry INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    cause_stream TEXT NOT NULL,  -- stream and version of the causing command's record
    cause_version INTEGER NOT NULL,
    entries TEXT NOT NULL,  -- JSON: [[entry id, kind], ...]
    -- JSON: [[nth of the entries from 0, balances.id, amount, balance after this line, number of
    -- the line before it of this balance or 0], ...]
    lines TEXT NOT NULL
) STRICT;

-- Every 256th line of a balance. Its lines are found by walking back from one of these or from the
-- last: an index of them would cost more than all else, as each line has its place elsewhere in it.
CREATE TABLE marks (
    balance_id INTEGER NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (balance_id, line)
) STRICT, WITHOUT ROWID;

CREATE VIEW entries AS
SELECT
    first_entry + key AS number, position, value ->> 0 AS entry_id, value ->> 1 AS kind,
    cause_stream, cause_version, at_us
FROM postings, json_each(entries);

CREATE VIEW lines AS
SELECT
    first_line + key AS number, first_entry + (value ->> 0) AS entry, value ->> 1 AS balance_id,
    value -> 2 AS amount, value -> 3 AS balance, value ->> 4 AS previous
FROM postings, json_each(lines);

-- The ledger as it is read: one row a line.
CREATE VIEW ledger AS
SELECT
    first_line + it.key AS number, postings.position,
    entries -> (it.value ->> 0) ->> 0 AS entry_id, entries -> (it.value ->> 0) ->> 1 AS kind,
    account, asset, it.value -> 2 AS amount, it.value -> 3 AS balance, cause_stream,
    cause_version, at_us
FROM postings, json_each(lines) AS it
JOIN balances ON balances.id = it.value ->> 1;

CREATE TABLE deposits (
    reference TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    position INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    reversed_position INTEGER  -- of the correction that took it back
) STRICT, WITHOUT ROWID;

CREATE TABLE withdrawals (
    number INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    fee TEXT NOT NULL,  -- on top
    destination TEXT NOT NULL,
    requester TEXT NOT NULL,
    approvals_needed INTEGER NOT NULL,
    approvals INTEGER NOT NULL,
    status TEXT NOT NULL,  -- requested, approved, sent, completed, rejected, cancelled
    reference TEXT,  -- custody's, once it was sent
    reason TEXT,  -- why it was rejected
    created_position INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_position INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;
