"""Where heavy work runs: in threads of this process, or on the workers of a cluster."""
