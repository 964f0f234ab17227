"""The blocking face: source code generated from the async one, over the one event loop thread of the process."""
