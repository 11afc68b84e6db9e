"""Pictures as SVG, drawn by hand: pure functions of the document of a report."""
