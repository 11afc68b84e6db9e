# Sourced by bin/serve-variant and hooks/observe: the way to Python without its site packages.
# Expects $root, the folder of the plugin; sets $data, the folder of this machine and user.

case ${XDG_DATA_HOME:-} in
    /*) data=$XDG_DATA_HOME/meta-experiment ;;
    *) data=${HOME:-}/.local/share/meta-experiment ;;
esac

run() { # MODULE ARGUMENT...: become Python, running the module's main
    python=${META_EXPERIMENT_PYTHON:-}
    if [ -z "$python" ] && [ -r "$data/python" ]; then
        # what `start` found: a version manager in between would cost more than all the rest
        IFS= read -r python <"$data/python" && [ -x "$python" ] || python=
    fi
    module=$1
    shift
    # nothing is left in buffers: _exit spares taking the interpreter down piece by piece
    exec "${python:-python3}" -I -S -c "import os, sys
sys.path.insert(0, sys.argv.pop(1))
from meta_experiment.live.$module import main
os._exit(main())" "$root/scripts" "$@"
}
