. "${0%/*}/../../worlds.sh"
world guardrail
