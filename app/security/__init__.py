"""What protects every request and response, whoever is signed in: origin, form tokens, headers, redirects."""
