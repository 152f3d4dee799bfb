"""From run records to a report: collect, verdicts, document, Markdown and HTML. A pure function of the records."""
