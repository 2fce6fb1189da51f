"""Each fault, put into a copy of the code, turns a named test of the ordinary suite red."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 300


class Sabotage(NamedTuple):
    """A patch: in ``file``, ``found`` (once) becomes ``put``; ``caught`` is a test's id."""

    file: str
    found: str
    put: str
    caught: str


MATCHING = "tests/matching/test_book_tables.py::"
SABOTAGES = {
    "a key leaves memory before the views have it": Sabotage(
        "venue/keys.py",
        "if last <= self._older.reached():",
        "if last >= 0:",
        "tests/serve/test_old_keys.py::test_nothing_leaves_memory_while_nobody_follows",
    ),
    "a look is answered before what it shows is on disk": Sabotage(
        "venue/sequencer.py",
        "self._forming.answers.append((future, seen))",
        "future.set_result(seen)",
        "tests/venue/test_looks.py::test_what_may_not_be_stored_is_shown_to_nobody",
    ),
    "the last order of a level trades first": Sabotage(
        "matching/plan.py",
        "    order = level.head\n    while order is not None:\n        yield order\n"
        "        order = order.next\n    keys",
        "    order = level.tail\n    while order is not None:\n        yield order\n"
        "        order = order.prev\n    keys",
        MATCHING + "test_the_first_order_at_a_price_trades_first_however_small",
    ),
    "a taker prints at its own price": Sabotage(
        "matching/plan.py",
        "leaves, at = maker.leaves, maker.price",
        "leaves, at = maker.leaves, price or maker.price",
        MATCHING + "test_every_fill_prints_at_the_price_of_the_order_that_waited",
    ),
    "an account trades with itself": Sabotage(
        "matching/plan.py",
        "        if maker.account == account:\n            stopped = EndReason.SELF_TRADE\n"
        "            break\n        if len(fills) == FILLS_MAX:\n"
        "            stopped = EndReason.FILLS_MAX\n            break\n        leaves, at",
        "        if len(fills) == FILLS_MAX:\n"
        "            stopped = EndReason.FILLS_MAX\n            break\n        leaves, at",
        MATCHING + "test_an_order_ends_where_it_meets_one_of_its_own_account",
    ),
    "a reduced order goes to the end of its queue": Sabotage(
        "matching/book.py",
        "        order.quantity -= event.quantity\n        self._cut(order, event.quantity)\n",
        "        order.quantity -= event.quantity\n        self._cut(order, event.quantity)\n"
        "        level = order.level\n"
        "        if order.next is not None and order.prev is None:\n"
        "            level.head, order.next.prev = order.next, None\n"
        "            order.prev, order.next, level.tail.next = level.tail, None, order\n"
        "            level.tail = order\n",
        MATCHING + "test_a_reduced_order_keeps_its_place",
    ),
    "a new head still points at the order that left": Sabotage(
        "matching/book.py",
        "        else:\n            after.prev = before\n",
        "        elif before is not None:\n            after.prev = before\n",
        "tests/matching/test_book_machine.py::test_the_book_does_what_the_naive_matcher_does",
    ),
    "FOK fills in part": Sabotage(
        "venue/trading.py",
        "terms.time_in_force is FOK and planned.filled != terms.quantity",
        "terms.time_in_force is FOK and not planned.filled",
        MATCHING + "test_fok_that_would_not_fill_whole_leaves_the_book_as_it_was",
    ),
    "a cancelled order keeps its hold": Sabotage(
        "venue/parts.py",
        "    entries = [\n        release(order_id(symbol, order.number)",
        "    entries = [] and [\n        release(order_id(symbol, order.number)",
        MATCHING + "test_a_market_that_closes_gives_back_all_that_its_orders_hold",
    ),
    "the price improvement stays held": Sabotage(
        "settlement/spot.py",
        "(spendable, quote, returned),",
        "(FEES, quote, returned),",
        "tests/settlement/test_fees.py::test_a_trade_posts_what_an_accountant_expects",
    ),
    "a fee is rounded down": Sabotage(
        "kernel/money.py",
        "return ceil_div(accrued_ppm, PPM)",
        "return accrued_ppm // PPM",
        "tests/settlement/test_fees.py"
        "::test_an_order_that_sweeps_pays_for_each_fill_what_the_sum_has_grown_by",
    ),
    "a trade is posted twice": Sabotage(
        "venue/parts.py",
        "    return [trade_entry(rules, trade, limit or",
        "    return 2 * [trade_entry(rules, trade, limit or",
        MATCHING + "test_the_best_price_trades_first_then_the_first_order_at_a_price",
    ),
    "the answer goes out before the commit": Sabotage(
        "venue/sequencer.py",
        "        self.stored_position = stored.result()\n        batch,",
        "        batch,",
        "tests/store/test_crash.py::test_a_commit_that_fails_answers_nobody_and_the_retry_tells",
    ),
    "a command that stopped the venue is decided again": Sabotage(
        "venue/decide.py",
        "        _check_poison(poison)\n",
        "",
        "tests/venue/test_poison.py::test_it_is_refused_after_the_rebuild_and_all_others_go_on",
    ),
    "a stop is not written aside": Sabotage(
        "venue/sequencer.py",
        "            self._write_aside(request, digest, fault)\n",
        "",
        "tests/venue/test_poison.py::test_it_is_refused_after_the_rebuild_and_all_others_go_on",
    ),
    "a batch goes without its seal": Sabotage(
        "store/writer.py",
        "whole = rows.plus(sealed)\n",
        "whole = rows if batch % 2 else rows.plus(sealed)\n",
        "tests/store/test_writer.py"
        "::test_each_opening_starts_an_epoch_in_a_sealed_batch_of_its_own",
    ),
    "a seal covers no payload": Sabotage(
        "store/seal.py",
        "first, last), *rows)",
        "first, last), rows.places)",
        "tests/store/test_seal.py",
    ),
    "commits are not synced": Sabotage(
        "store/sqlite.py",
        "synchronous=FULL",
        "synchronous=NORMAL",
        "tests/store/test_pitfalls.py",
    ),
    "an iceberg's next slice stays in front": Sabotage(
        "matching/book.py",
        "after = order.next\n        if after is None:\n            return\n",
        "after = None\n        if after is None:\n            return\n",
        "tests/matching/test_book_machine.py::test_the_book_does_what_the_naive_matcher_does",
    ),
    "a taker uses no more than an iceberg shows": Sabotage(
        "matching/sweep.py",
        "if maker.display is not None and len(fills) > count and shown < open_:",
        "if maker.display is None and len(fills) > count and shown < open_:",
        "tests/matching/test_iceberg_tables.py",
    ),
    "a due order trades": Sabotage(
        "matching/sweep.py",
        "if maker.is_due(at_us):\n            done",
        "if maker.is_due(at_us - 1):\n            done",
        "tests/matching/test_expiry_tables.py",
    ),
    "DECREMENT cuts the maker alone": Sabotage(
        "matching/sweep.py",
        "        self.prevented += cut\n",
        "        self.prevented += 0\n",
        "tests/matching/test_self_trade_tables.py",
    ),
    "EXPIRE_BOTH lets the taker go on": Sabotage(
        "matching/sweep.py",
        "EXPIRING_TAKER = frozenset({SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH})",
        "EXPIRING_TAKER = frozenset({SelfTrade.EXPIRE_TAKER})",
        "tests/matching/test_self_trade_tables.py",
    ),
    "an order that is pushed out keeps its hold": Sabotage(
        "venue/parts.py",
        "        entries.append(release(name, version, it.account, asset, amount))\n",
        "        version += not it.last and bool(entries.append(\n"
        "            release(name, version, it.account, asset, amount)))\n",
        "tests/matching/test_self_trade_tables.py",
    ),
    "a smaller quantity goes to the back": Sabotage(
        "matching/amend.py",
        "terms.quantity <= order.quantity and",
        "terms.quantity == order.quantity and",
        "tests/matching/test_book_machine.py::test_the_book_does_what_the_naive_matcher_does",
    ),
    "a reduction takes what an iceberg shows": Sabotage(
        "matching/book.py",
        "seen = max(0, quantity - (order.leaves - odd.shown))",
        "seen = min(quantity, odd.shown - 1)",
        "tests/matching/test_iceberg_tables.py",
    ),
    "a sweep takes all that is due": Sabotage(
        "venue/trading.py",
        "maximum=(at_us, book.order_count)), SWEEP_MAX)",
        "maximum=(at_us, book.order_count)), None)",
        "tests/matching/test_expiry_tables.py",
    ),
    "a sweep comes a moment late": Sabotage(
        "venue/due.py",
        "deadlines[0][0] <= at_us",
        "deadlines[0][0] < at_us",
        "tests/venue/test_sequencer.py::test_what_is_due_goes_ahead_of_the_next_command",
    ),
    "a fee of an iceberg starts anew with each slice": Sabotage(
        "settlement/spot.py",
        "        before = partly.get(fill.maker) or state.accrued.get(fill.maker, 0)\n",
        "        before = state.accrued.get(fill.maker, 0)\n",
        "tests/matching/test_iceberg_tables.py",
    ),
    "the last woken enters first": Sabotage(
        "venue/stops.py",
        "orders[next(iter(woken))]",
        "orders[next(reversed(woken))]",
        "tests/matching/test_stop_tables.py",
    ),
    "a take-profit wakes like a stop": Sabotage(
        "kernel/orders.py",
        "return (self.type in {STOP, STOP_LIMIT}) is (self.side is BUY)",
        "return self.side is BUY",
        "tests/matching/test_stop_tables.py",
    ),
    "a due stop wakes": Sabotage(
        "venue/stops.py",
        "if not book.orders[number].is_due(journal.at_us) and (",
        "if book.orders[number] and (",
        "tests/matching/test_stop_tables.py",
    ),
    "a purchase may pay any price once it is woken": Sabotage(
        "matching/enter.py",
        "return OrderTerms(BUY, LIMIT, order.price, order.leaves, ioc, self_trade=mode)",
        "return OrderTerms(BUY, MARKET, None, order.leaves, ioc, self_trade=mode)",
        "tests/matching/test_stop_tables.py",
    ),
    "an amend holds nothing more": Sabotage(
        "venue/amending.py",
        "entries = [rehold(name, version, account, asset, more)] if more > 0 else []",
        "entries = [rehold(name, version, account, asset, more)] if more > more else []",
        "tests/matching/test_amend_tables.py",
    ),
    "a rebate is rounded up": Sabotage(
        "kernel/money.py",
        "return min(received * -maker_ppm // PPM, fee)",
        "return min(-(received * maker_ppm // PPM), fee)",
        "tests/settlement/test_tiers.py::test_each_fill_costs_what_the_table_says",
    ),
    "a rebate is more than the fee": Sabotage(
        "kernel/money.py",
        "return min(received * -maker_ppm // PPM, fee)",
        "return received * -maker_ppm // PPM",
        "tests/settlement/test_tiers.py::test_each_fill_costs_what_the_table_says",
    ),
    "a rebate is set off against the order's fees": Sabotage(
        "settlement/spot.py",
        "accrues = received * leg.rate_ppm if leg.rate_ppm > 0 else 0",
        "accrues = received * leg.rate_ppm",
        "tests/settlement/test_tiers.py::test_each_fill_costs_what_the_table_says",
    ),
    "an account that leaves its tier keeps the rates": Sabotage(
        "venue/state.py",
        "    room.rates.pop(account, None)\n    if tier in",
        "    if tier in",
        "tests/settlement/test_tiers.py"
        "::test_without_a_tier_or_in_one_that_the_market_does_not_know_the_market_rates_hold",
    ),
    "a change is not asked what a listing is": Sabotage(
        "orders/rulebook.py",
        "    check_rules(changed)\n    return changed",
        "    return changed",
        "tests/orders/test_rulebook.py::test_a_change_that_makes_no_market_names_the_rule",
    ),
    "an operator may do what an admin may": Sabotage(
        "venue/state.py",
        "return role in givers(kind) and",
        "return role in {Role.OPERATOR, *givers(kind)} and",
        "tests/orders/test_roles.py::test_who_holds_the_role_may_give_what_the_role_may",
    ),
    "the last admin goes": Sabotage(
        "venue/users.py",
        "len(state.admins) == 1",
        "len(state.admins) == 0",
        "tests/orders/test_roles.py::test_a_role_that_can_not_change_hands_says_why",
    ),
    "a suspended user amends": Sabotage(
        "venue/switches.py",
        "LEAVING = frozenset({CancelOrder,",
        "LEAVING = frozenset({AmendOrder, CancelOrder,",
        "tests/venue/test_switches.py::test_a_suspended_user_can_leave_and_nothing_else",
    ),
    "a blacklist reference counts a moment longer": Sabotage(
        "venue/switches.py",
        "if at_us < until_us:",
        "if at_us <= until_us:",
        "tests/venue/test_switches.py::test_a_blacklisted_user_is_stopped_until_that_very_moment",
    ),
    "an operator trades for a killed account": Sabotage(
        "venue/switches.py",
        "    if kind in ENTERING:\n",
        "    if kind in ENTERING and request.role is Role.TRADER:\n",
        "tests/venue/test_switches.py::test_a_killed_account_enters_nothing_whoever_acts",
    ),
    "the auditor takes anybody for an admin": Sabotage(
        "audit/people.py",
        "demand(appointed or not state.admins, RejectCode.NOT_PERMITTED)",
        "demand(appointed or bool(record.actor), RejectCode.NOT_PERMITTED)",
        "tests/audit/test_rules_found.py::test_the_law_and_the_command_that_breaks_it_are_named",
    ),
    "the auditor forgets what an order was charged": Sabotage(
        "audit/fees.py",
        "before = sums.get(order, room.settlement.accrued.get(order, 0))",
        "before = sums.get(order, 0)",
        "tests/venue/test_rules_machine.py"
        "::test_every_law_holds_while_rules_tiers_roles_and_stops_change",
    ),
    "a checkpoint never ends": Sabotage(
        "venue/sequencer.py",
        "        self._disk.submit(self.log.checkpoint).result()\n",
        "",
        "tests/store/test_pitfalls.py::test_the_write_ahead_log_starts_anew_while_a_venue_trades",
    ),
    "the first command after a start goes ahead of what is due": Sabotage(
        "venue/sequencer.py",
        "        self._watch = Watch(self.state)\n",
        "        self._watch = Watch(self.state)\n        self.state.at_work = True\n",
        "tests/store/test_crash.py"
        "::test_a_venue_killed_before_the_work_that_a_command_left_does_it_all_the_same",
    ),
    "one of a list goes on when the other has traded": Sabotage(
        "venue/trading.py",
        "    if room.book.others:\n",
        "    if room.book.others and not accepted.fills:\n",
        "tests/matching/test_list_tables.py",
    ),
    "both of a list are set off by one sweep": Sabotage(
        "venue/stops.py",
        "other is None or other.number not in awake",
        "other is None or other.number in book.orders",
        "tests/matching/test_list_tables.py",
    ),
    "a list holds what both need": Sabotage(
        "venue/lists.py",
        "asset, amount = max(map(sleeping_hold, both, (rules, rules), bounds))",
        "(asset, amount), (_, more) = map(sleeping_hold, both, (rules, rules), bounds)\n"
        "    amount += more",
        "tests/matching/test_list_tables.py",
    ),
    "a refused order binds its client order id": Sabotage(
        "venue/keys.py",
        "return key is not None and not _by_stranger(command, refusal)",
        "return True",
        "tests/venue/test_idempotency.py",
    ),
    "one person approves for two": Sabotage(
        "venue/withdrawals.py",
        "_check_another(state, actor, found, found.asked.requester, *found.approvers)",
        "_check_another(state, actor, found, found.asked.requester)",
        "tests/wallet/test_withdrawals.py::test_nobody_approves_twice",
    ),
    "a withdrawal is sent that nobody approved": Sabotage(
        "venue/withdrawals.py",
        "found, reference = _at(state, command.withdrawal, Stage.APPROVED), command.reference",
        "found, reference = _open(state, command.withdrawal), command.reference",
        "tests/wallet/test_withdrawals.py::test_each_stage_lets_through_what_the_table_says",
    ),
    "a rejected withdrawal keeps its fee": Sabotage(
        "wallet/payments.py",
        "source, target, units = withdrawal(it.account), available(it.account), it.amount + it.fee",
        "source, target, units = withdrawal(it.account), available(it.account), it.amount",
        "tests/venue/test_money_machine.py",
    ),
    "custody is told to pay more than it holds": Sabotage(
        "venue/funds.py",
        "left = -state.ledger.balance(EXTERNAL, asset) - state.withdrawals.sent.get(asset, 0)",
        "left = -state.ledger.balance(EXTERNAL, asset)",
        "tests/wallet/test_withdrawals.py"
        "::test_no_more_is_sent_than_custody_holds_and_was_not_told_to_pay",
    ),
    "a trade is busted twice": Sabotage(
        "venue/corrections.py",
        "if correction_id(correction) in state.corrections.done:",
        "if correction_id(correction) in state.corrections.claims:",
        "tests/settlement/test_bust.py::test_a_trade_is_busted_once",
    ),
    "a bust gives back into what orders hold": Sabotage(
        "settlement/bust.py",
        "key = spendable.get(name, name), asset",
        "key = name, asset",
        "tests/settlement/test_bust.py::test_a_bust_puts_every_balance_back_fees_included",
    ),
    "who proposes a claim approves it": Sabotage(
        "venue/corrections.py",
        "    if actor == claim.proposer:\n",
        "    if not actor:\n",
        "tests/settlement/test_bust.py::test_who_proposes_a_claim_does_not_approve_it",
    ),
    "a claim takes nothing from who has a part": Sabotage(
        "venue/corrections.py",
        "            kept = max(kept, -ledger.balance(name, asset))\n",
        "            kept *= ledger.balance(name, asset) >= -kept\n",
        "tests/wallet/test_corrections.py"
        "::test_what_is_short_goes_to_suspense_when_a_second_person_approves",
    ),
    "a trade that is not stored yet is not found": Sabotage(
        "venue/sequencer.py",
        "for batch in (self._storing, self._forming):\n            for _, name",
        "for batch in ():\n            for _, name",
        "tests/venue/test_lookback.py",
    ),
    "a past moment shows half a command": Sabotage(
        "audit/asof.py",
        "command[-1].position > moment.position",
        "command[0].position > moment.position",
        "tests/audit/test_asof.py::test_a_hundred_positions_show_what_the_venue_knew_then",
    ),
    "a copy of the state shares its queues": Sabotage(
        "audit/checkpoint.py",
        "            setattr(twin, name, copy.deepcopy(getattr(node, name), memo))\n",
        "            setattr(twin, name, getattr(node, name))\n",
        "tests/audit/test_reexecute.py::test_a_copy_of_the_state_goes_its_own_way",
    ),
    "one difference causes the next": Sabotage(
        "audit/reexecute.py",
        "                self._restore(command)\n",
        "",
        "tests/audit/test_reexecute.py::test_exactly_the_changed_decisions_are_told",
    ),
    "a damaged snapshot is used": Sabotage(
        "venue/snapshot.py",
        "    if digest != _digest(rest):\n",
        "    if not digest:\n",
        "tests/audit/test_fallback.py",
    ),
    "a snapshot of another history is used": Sabotage(
        "venue/opening.py",
        "    if seal is None or seal.hash != header.seal:\n",
        "    if seal is None and not header.seal:\n",
        "tests/audit/test_snapshots.py"
        "::test_a_log_that_was_restored_older_does_without_the_newer_ones",
    ),
    "a snapshot's state is not what its hash says": Sabotage(
        "venue/snapshot.py",
        "    if found != header.state_hash:\n",
        "    if not found:\n",
        "tests/audit/test_fallback.py",
    ),
    "a snapshot is written in place": Sabotage(
        "store/snapshots.py",
        'new = path.with_name(path.name + ".new")',
        "new = path",
        "tests/audit/test_snapshot_kill.py::test_a_maker_killed_at_a_point_leaves_good_ones_only",
    ),
    "a repeat from before the snapshot is done again": Sabotage(
        "venue/opening.py",
        "            keys.follow(record, position)\n",
        '            keys.bind(b"", position)\n',
        "tests/audit/test_snapshots.py"
        "::test_a_repeat_from_before_the_snapshot_gets_its_first_answer",
    ),
    "a loaded order has not traded since it came": Sabotage(
        "matching/picture.py",
        "row.quantity, row.leaves, row.arrival,",
        "row.quantity, row.quantity, row.arrival,",
        "tests/venue/test_venue_machine.py",
    ),
    "a loaded market is listed by its name": Sabotage(
        "venue/state.py",
        "        for symbol in symbols:\n",
        "        for symbol in sorted(symbols):\n",
        "tests/venue/test_loading.py",
    ),
    "a loaded user has its blacklist by name": Sabotage(
        "users/user.py",
        'self.blacklist, self.killed = dict(dumped["blacklist"]), set(dumped["killed"])',
        'self.blacklist, self.killed = dict(sorted(dumped["blacklist"])), set(dumped["killed"])',
        "tests/venue/test_loading.py",
    ),
    "a fee is told as if nothing had been charged before": Sabotage(
        "audit/explain/money.py",
        "before = self.charged",
        "before = 0",
        "tests/audit/test_explain_laws.py"
        "::test_its_fees_follow_the_rule_and_are_those_that_were_posted",
    ),
}


def sabotaged(source: str, sabotage: Sabotage) -> str:
    """The source with the fault; the place must be there, once."""
    assert 1 == source.count(sabotage.found), f"{sabotage.file} has changed: mend the patch"
    return source.replace(sabotage.found, sabotage.put)


def run(tree: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Tests of this repository, against the code in ``tree``; a failing example stays as found."""
    environment = {
        **os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1",
        "EXAMPLES": "sabotage",
    }  # fmt: skip
    environment.pop("CI", None)
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
        f"--rootdir={ROOT}", *tests,
    ]  # fmt: skip
    return subprocess.run(  # noqa: S603 - our own tests
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S,
        check=False,
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code, as a place to import from, with what ships beside it."""
    code = tmp_path / "src"
    shutil.copytree(ROOT / "src", code, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    return code


@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGES)
def test_a_fault_is_noticed(name: str, tree: Path) -> None:
    sabotage = SABOTAGES[name]
    file = tree / "exchange" / sabotage.file
    file.write_text(sabotaged(file.read_text(), sabotage))
    seen = run(tree, sabotage.caught)
    assert 1 == seen.returncode, seen.stdout[-3000:] + seen.stderr[-1000:]
    assert re.search(r"^(FAILED|ERROR) ", seen.stdout, re.MULTILINE)


@pytest.mark.slow
def test_the_copy_without_a_fault_passes_and_is_what_is_tested(tree: Path) -> None:
    """Otherwise a red test would prove nothing."""
    marker = tree / "exchange" / "__init__.py"
    marker.write_text(marker.read_text() + '\nraise ImportError("the copy is what is tested")\n')
    assert "the copy is what is tested" in run(tree, "tests/settlement").stdout
    marker.write_text((ROOT / "src/exchange/__init__.py").read_text())
    seen = run(tree, *sorted({sabotage.caught for sabotage in SABOTAGES.values()}))
    assert 0 == seen.returncode, seen.stdout[-3000:]
