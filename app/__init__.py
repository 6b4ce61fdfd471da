"""Signet: a Flask app on Supabase Auth with JWT signing keys and row-level security."""
