"""What everything stands on: keys, network, cluster, database."""
