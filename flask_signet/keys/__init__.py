"""The management API of a Supabase project: signing keys and Auth settings."""
