. "${0%/*}/../../worlds.sh"
world ended
