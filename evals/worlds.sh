# The worlds in which cases begin: a project whose one command is under test, made by the real
# program. A case's scaffold.sh names one: `world due`. Runs outside the sandbox, in the case's
# home; the first `meta-experiment` on the PATH is the one under test.
set -eu

FILE=.claude/commands/review.md
IDEA='I think shorter is better'
CLAIM='Asking for three findings at most instead of all of them lowers active_seconds by about a
  third, because there is less to write.'

world() { # NAME: what comes before a world is made first
    case $1 in
        nothing) project ;;
        hypothesis) project && plan "$IDEA" ;;
        measurement) project && plan "$CLAIM" ;;
        draft) project && plan "$CLAIM" && decided_by ;;
        running) experiment && observe 4 70 100 ;;
        due) experiment && observe 30 60 100 ;;
        guardrail) experiment && observe 30 60 150 ;;
        worse) experiment && observe 30 170 100 ;;
        ended) world due && quiet promote review --yes ;;
        holdout) world ended && quiet holdout review --share 20 ;;
        failed) world worse && quiet rollback review --yes --reason 'It takes longer' ;;
        learned) world failed && quiet learn review \
            --why 'The list was short, and each entry asked for twice the reading' \
            --next 'Ask for the gravest finding first, to lower active_seconds' ;;
        *) echo "worlds.sh knows no world $1" >&2 && return 1 ;;
    esac
}

project() {
    git init --quiet
    git config user.name Ada
    git config user.email ada@example.com
    mkdir -p "${FILE%/*}"
    printf -- '---\ndescription: Review a change\n---\nReview $ARGUMENTS. Tell all you find.\n' >"$FILE"
    printf -- '---\ndescription: Review a change\n---\nReview $ARGUMENTS. Three findings at most.\n' >short.md
    git add .
    git commit --quiet --message 'The command as it was'
}

plan() { # HYPOTHESIS
    printf 'name: review\nhypothesis: >-\n  %s\nfiles:\n  %s:\n    short: short.md\n' \
        "$1" "$FILE" >review.plan.yaml
}

decided_by() {
    cat >>review.plan.yaml <<'EOF'
variants: [control, short]
unit: invocation
metrics:
  primary: {name: active_seconds}
  guardrails: [{name: output_tokens, margin: 20}]
EOF
}

experiment() {
    world draft
    quiet create --plan review.plan.yaml
    quiet start review --manual
}

observe() { # PAIRS SECONDS TOKENS: the short one's, in per cent of the control's
    number=0
    while [ "$number" -lt "$1" ]; do
        trial control $((80 + 9 * (number * 7 % 11))) $((900 + 20 * (number * 5 % 7)))
        trial short $(((80 + 9 * (number * 7 % 11)) * $2 / 100)) \
            $(((900 + 20 * (number * 3 % 7)) * $3 / 100))
        number=$((number + 1))
    done | meta-experiment record --stdin >/dev/null
}

trial() { # VARIANT SECONDS TOKENS
    printf '{"experiment": "review", "variant": "%s", "metrics": ' "$1"
    printf '{"active_seconds": %s, "output_tokens": %s}}\n' "$2" "$3"
}

quiet() {
    meta-experiment "$@" --json >/dev/null
}
