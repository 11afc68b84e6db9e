. "${0%/*}/../../worlds.sh"
world nothing
