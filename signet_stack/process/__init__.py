"""The life of the stack process: data folder, ports, control socket, leases, supervisor, signals."""
