"""What is owed: computed from judgements; the ledger grows here."""
