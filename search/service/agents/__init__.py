"""The door for agents: the Model Context Protocol over standard input and output.

What this room promises:

* the tools do what the calls of REST do (`search.service.rest.routes.CALLS`), by themselves or at a server;
* what a tool says of a study are the sentences of its table and its page; nothing is judged in this room;
* nothing is written to the standard output but the protocol;
* whoever connects with no server running gets studies run: this process works on the queue while nobody else does.
"""
