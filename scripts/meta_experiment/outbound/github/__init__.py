"""GitHub: its REST and GraphQL interfaces, through `gh` where it is, else directly.

`hosts` says where a host listens and which token is its own, `transports` how a request
gets there, `client` what an answer means and when to ask again, `comments` posts once.
"""
