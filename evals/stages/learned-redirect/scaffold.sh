. "${0%/*}/../../worlds.sh"
world learned
