# Read by the `flask` command only; gunicorn and other servers do not see it.
FLASK_APP=wsgi
FLASK_RUN_PORT=8000
SUPABASE_LOCAL=1
