"""What runs on a worker: it trains a lease, measures rows, and notes what is known should it die."""
