"""Migrations: plain SQL files, applied once, forward only, recorded as Supabase's own tools record them.

Imports neither Flask nor click; the connection string and the folder come in as arguments. Trust boundary:
the files are the operator's code and run with the operator's rights; what they may not do is end the
transaction that makes each of them whole.
"""
