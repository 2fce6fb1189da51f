-- What questions and open orders are found by.
CREATE INDEX IF NOT EXISTS balances_by_account ON balances (account, asset);
CREATE INDEX IF NOT EXISTS orders_by_account ON orders (created_position >> 15, account, created_position, number);
CREATE INDEX IF NOT EXISTS open_orders ON orders (symbol, number) WHERE reason IS NULL;
CREATE INDEX IF NOT EXISTS withdrawals_by_account ON withdrawals (account, number);
CREATE INDEX IF NOT EXISTS deposits_by_position ON deposits (position);
CREATE INDEX IF NOT EXISTS deposits_by_account ON deposits (account, position);
