"""From trees to plans: every name looked up in the schema_cache, every rule of the protocol decided. No SQL."""
