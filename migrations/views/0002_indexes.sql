-- What questions and open orders are found by.
CREATE INDEX IF NOT EXISTS orders_by_account ON orders (account, created_position, number);
CREATE INDEX IF NOT EXISTS open_orders ON orders (account, created_position, number) WHERE reason IS NULL;
CREATE INDEX IF NOT EXISTS fills_by_account ON fills (account, position);
CREATE INDEX IF NOT EXISTS lines_by_balance ON lines (balance_id);
CREATE INDEX IF NOT EXISTS withdrawals_by_account ON withdrawals (account, number);
