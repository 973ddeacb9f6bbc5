//! Scores with their protocols, significance, and the HTML report.
