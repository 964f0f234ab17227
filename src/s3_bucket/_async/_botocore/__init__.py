"""BotocoreStore: every operation through aiobotocore. Only the files here import aiobotocore, botocore or aiohttp."""
