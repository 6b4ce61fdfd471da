"""What the database holds, as far as the data API serves it: tables, relations, functions, role settings."""
