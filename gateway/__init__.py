"""The door process: reads become open doors, and each is written down first."""
