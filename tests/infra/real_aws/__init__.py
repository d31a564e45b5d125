"""The whole program on AWS's own checks, by hand: Terraform's AWS provider against moto."""
