"""What a table names is loaded whole, whoever else is loading it."""

import sys
import threading

from meta_experiment.table import entry


def test_a_module_that_another_thread_is_loading_is_waited_for(tmp_path, monkeypatch):
    """As two runs at once do that judge by the same kind of criterion."""
    loading, go_on = threading.Event(), threading.Event()
    (tmp_path / "slowly_loaded.py").write_text("import sys\nsys.pause()\nVALUE = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "pause", lambda: (loading.set(), go_on.wait(60)), raising=False)
    found = []
    first = threading.Thread(target=lambda: found.append(entry("slowly_loaded:VALUE")))
    second = threading.Thread(target=lambda: found.append(entry("slowly_loaded:VALUE")))
    first.start()
    assert loading.wait(60)
    second.start()
    second.join(0.2)
    go_on.set()
    for thread in (first, second):
        thread.join(60)
    sys.modules.pop("slowly_loaded")
    assert found == [7, 7]
