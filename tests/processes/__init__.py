"""Other processes beside a running one."""
