. "${0%/*}/../../worlds.sh"
world draft
