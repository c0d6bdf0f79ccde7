"""Why a document is where it is: checked quotes and safe highlighting."""
