"""What runs in the cluster: the processes of Spool, what they may reach, and how they come up."""
