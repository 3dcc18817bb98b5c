"""What is made of results: tables, figures, files for others."""
