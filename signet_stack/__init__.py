"""The local stack: Auth, data API, mailbox and a real PostgreSQL in one command, offline.

It speaks the hosted services' protocols and listens on loopback only. It is for development: nothing here is
hardened for the open internet, and the app never imports it (they meet over HTTP and SQL, as with a hosted
project).
"""
