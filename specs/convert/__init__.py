"""Scripts that make the shipped network and technology files; nothing else imports them."""
