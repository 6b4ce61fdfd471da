"""Start the app: the entry point of `flask` and of every WSGI server."""
