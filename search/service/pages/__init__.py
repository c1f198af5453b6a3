"""The pages that people read: made on the server, whole without a script; a file for each, by its name."""
