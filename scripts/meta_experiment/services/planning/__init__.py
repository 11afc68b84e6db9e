"""Planning: the request, the forecast of what a plan can find, the draft, its amendments."""
