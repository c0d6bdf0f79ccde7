"""Analysis results as plotly figures. Pure."""
