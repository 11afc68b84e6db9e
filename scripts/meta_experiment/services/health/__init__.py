"""Is all well here, and how it is mended: installation, serving, stored bytes, crashes."""
