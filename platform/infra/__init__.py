"""Spool on AWS: the Pulumi program's components."""
