"""Read models: followers of the log that fold it into tables which people can ask."""
