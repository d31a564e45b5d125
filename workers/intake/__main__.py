"""`python -m workers.intake` takes in what arrives beside the API, until SIGTERM or SIGINT.

A Kinesis data stream, a queue with notices of new objects in a bucket, or both: what is configured.
"""

from workers.intake.process import main

if __name__ == "__main__":
    main()
