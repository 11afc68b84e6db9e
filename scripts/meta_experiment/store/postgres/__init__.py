"""The team's store on PostgreSQL; the one room that knows its driver."""
