"""Supabase Auth for Flask: the gatekeeper, Supabase clients, and the commands `flask db | keys | local`."""
