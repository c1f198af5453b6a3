"""Other libraries' training code as workloads: each file imports its own library, and nothing else imports these."""
