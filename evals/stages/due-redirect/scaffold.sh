. "${0%/*}/../../worlds.sh"
world due
