"""What results look like: one function per figure, from a result's JSON object to matplotlib axes."""
