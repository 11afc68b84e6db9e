. "${0%/*}/../../worlds.sh"
world holdout
