"""What is shown of results, the same on the screens and in reports: names, words, figures, HTML of escaped text."""
