"""Checks of unit 14, small devices: what a network costs, 8 bits, parity, latency."""
