"""PostgreSQL from binaries: cluster, accounts, bootstrap SQL and connection pools."""
