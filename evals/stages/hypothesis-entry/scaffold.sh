. "${0%/*}/../../worlds.sh"
world hypothesis
