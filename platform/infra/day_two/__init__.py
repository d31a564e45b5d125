"""What is there after the first day: alarms, dashboards, budgets, backups, the account's guards."""
