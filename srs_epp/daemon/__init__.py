"""The life of the processes: sockets, workers, signals, TLS, the thread of each connection."""
