"""What stands between people and the platform: names, certificates, firewalls, the CDN."""
