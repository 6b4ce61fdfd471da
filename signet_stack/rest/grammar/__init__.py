"""The URL grammar: text in, trees out. Pure; knows no table, no SQL and no HTTP beyond the query string."""
