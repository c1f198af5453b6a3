"""What is trained next and how each trial ends. Decides; executes nothing: no Ray, no process, no file of its own."""
