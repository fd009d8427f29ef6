"""What the electrician wired: the site file, its models, and what each process's root reads."""
