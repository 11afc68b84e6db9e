. "${0%/*}/../../worlds.sh"
world running
