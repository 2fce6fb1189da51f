"""Order entry: commands and their records, the rulebook, validation.

Streams: ``orders:<account>`` and ``commands`` (records), ``market:<symbol>`` and ``assets``
(the rulebook).
"""
