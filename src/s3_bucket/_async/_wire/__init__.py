"""The ObjectStore that signs and sends the hot operations itself."""
