"""What each function's derivative is. The table (`rules.table`) is filled by the files beside it, one topic each."""
