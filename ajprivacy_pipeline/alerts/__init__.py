"""What needs somebody's attention, and telling them: conditions as data, one notifier."""
