. "${0%/*}/../../worlds.sh"
world failed
