"""What is owed to annotators and what was paid."""
