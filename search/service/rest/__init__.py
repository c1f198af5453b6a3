"""The server for programs, below ``/api/v1``: tables of calls, from which routes and their description are made."""
