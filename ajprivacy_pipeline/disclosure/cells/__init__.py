"""Tables of cells: primary and secondary suppression, and what an outsider could still work out."""
