"""The comparison table and data frames as Markdown, CSV, LaTeX, HTML, XLSX, JSON, and for a terminal."""
