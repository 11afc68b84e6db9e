"""Recording: the variant a unit gets, what happened to it, ratings, admitted writers."""
