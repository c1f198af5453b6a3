"""Ray Tune as the executor of leases, and the processes of a local Ray. The only folder that imports ray."""
