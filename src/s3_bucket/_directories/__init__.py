"""What is decided of directories: which files, under which keys, what has changed, and how all of it is told. Pure."""
