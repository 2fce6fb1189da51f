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
    position INTEGER NOT NULL,  -- of its settlement
    at_us INTEGER NOT NULL,
    busted_position INTEGER,  -- of the correction that undid it
    PRIMARY KEY (symbol, number)
) STRICT, WITHOUT ROWID;

-- Each trade twice, as its buyer and its seller see it.
CREATE TABLE fills (
    symbol TEXT NOT NULL,
    trade INTEGER NOT NULL,
    side TEXT NOT NULL,
    role TEXT NOT NULL,  -- maker or taker
    order_number INTEGER NOT NULL,
    account TEXT NOT NULL,
    price INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    fee TEXT NOT NULL,  -- in what this side receives
    rate_ppm INTEGER NOT NULL,
    rebate TEXT NOT NULL,  -- what this side, the maker, got of the other's fee, in that asset
    position INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (symbol, trade, side)
) STRICT, WITHOUT ROWID;

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
    UNIQUE (account, asset)
) STRICT;

CREATE TABLE entries (
    number INTEGER PRIMARY KEY,  -- gapless, in the order of the log
    position INTEGER NOT NULL,
    entry_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause_stream TEXT NOT NULL,  -- stream and version of the causing command's record
    cause_version INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;

CREATE TABLE lines (
    number INTEGER PRIMARY KEY,  -- gapless, in the order of the log
    entry INTEGER NOT NULL,  -- entries.number
    balance_id INTEGER NOT NULL,
    amount TEXT NOT NULL,
    balance TEXT NOT NULL  -- after this line
) STRICT;

-- The ledger as it is read: one row a line.
CREATE VIEW ledger AS
SELECT
    lines.number, position, entry_id, kind, account, asset, amount, lines.balance,
    cause_stream, cause_version, at_us
FROM lines
JOIN entries ON entries.number = lines.entry
JOIN (SELECT id, account, asset FROM balances) ON id = lines.balance_id;

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
