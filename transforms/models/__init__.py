"""Models fitted to the published database when someone asks; nothing is stored of them."""
