"""The URL grammar: text in, trees out. Pure: no table names, no SQL, no HTTP beyond the query string."""
