"""The servers that the clients run against, on the loopback interface."""
