. "${0%/*}/../../worlds.sh"
world measurement
