"""The machines that train: what each offers, whether they agree, and how many leases share a GPU. Free of Ray."""
