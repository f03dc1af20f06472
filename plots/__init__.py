"""What results look like: one function per figure, from a typed result to matplotlib axes."""
