"""From plans to SQL text and its parameters.

The text is made of three things only: words written in these modules, names in double quotes, and ``$n``.
Every value that a caller sent is a bound parameter of unknown type, so that PostgreSQL reads it as the
column's type, refuses what does not fit, and can use its indexes.
"""
