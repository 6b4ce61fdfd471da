"""pytest plugin: fixtures for a real stack, migrated databases, callers and sessions; see docs/testing.md."""
