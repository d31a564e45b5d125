"""Media only: from a file on this machine to a stream on this machine.

Imports no database, no queue, no cloud. In the order a video passes: sniff, probe, ladder,
plan, command, encode, package, images, conformance.
"""
