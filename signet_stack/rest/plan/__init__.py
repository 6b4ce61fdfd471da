"""From trees to plans: every name looked up in the catalog, every rule of the protocol decided. No SQL."""
