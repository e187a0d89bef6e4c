"""What is looked for in one text: pure functions, text in, findings with positions out."""
