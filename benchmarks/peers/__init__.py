"""The clients, each behind the names of ``peer.Peer``; each module is imported in its own client's process only."""
