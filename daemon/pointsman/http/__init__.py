"""What answers over HTTP: intake, the API, and the operator's pages."""
