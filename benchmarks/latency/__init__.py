"""What the latency benchmark needs: a server on a fixed clock, the methods, the peers."""
