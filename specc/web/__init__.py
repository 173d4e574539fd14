"""Pages that need nothing but a browser: one file, no network, light and dark, no scripts."""
