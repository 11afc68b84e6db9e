# Sourced by bin/* and hooks/observe: this machine's folder, programs, and the way to Python.
# Expects $root, the folder of the plugin; sets $data, the folder of this machine and user,
# empty where there is no home.

case ${XDG_DATA_HOME:-} in
    /*) data=$XDG_DATA_HOME/meta-experiment ;;
    *) data=${HOME:+$HOME/.local/share/meta-experiment} ;;
esac

find_program() { # NAME: sets $found to where PATH has it
    found=
    case $1 in */*) found=$1; return ;; esac
    rest=${PATH:-}:
    while [ -n "$rest" ]; do
        folder=${rest%%:*} rest=${rest#*:}
        # a relative entry means whatever folder one is in, and what a stranger put there
        case $folder in /*) [ -f "$folder/$1" ] && [ -x "$folder/$1" ] ;; *) false ;; esac || continue
        found=$folder/$1
        return
    done
    return 1
}

chosen_python() { # sets $python to the one that was built, or found to have the packages
    stamp= python=
    read -r stamp <"$root/requirements.stamp"
    python=$data/venv-$stamp/bin/python
    [ -x "$python" ] || read -r python <"$data/python-$stamp" || return
    [ -x "$python" ]
} 2>/dev/null

run() { # MODULE ARGUMENT...: become Python, without its site packages, running the module's main
    python=${META_EXPERIMENT_PYTHON:-}
    if [ -z "$python" ] && [ -r "$data/python" ]; then
        # what `start` found: a version manager in between would cost more than all the rest
        IFS= read -r python <"$data/python" && [ -x "$python" ] || python=
    fi
    find_program "${python:-python3}" || exit 1
    module=$1
    shift
    # nothing is left in buffers: _exit spares taking the interpreter down piece by piece
    exec "$found" -I -S -c "import os, sys
sys.path.insert(0, sys.argv.pop(1))
from meta_experiment.live.$module import main
os._exit(main())" "$root/scripts" "$@"
}
