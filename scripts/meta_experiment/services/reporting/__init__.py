"""What experiments came to, told whole: the document that reports are written from."""
