"""From trees to plans: every name looked up in the cache, every rule of the protocol decided. No SQL."""
