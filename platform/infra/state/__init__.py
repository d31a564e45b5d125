"""What outlives a roll-out: buckets, queues, topics, secrets, images, mail, sign-in."""
