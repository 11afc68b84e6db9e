"""Wheels of what is installed, so that a package is installed without a network."""

import base64
import csv
import hashlib
import io
import zipfile
from importlib.metadata import distributions

_LEFT = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}


def wheel_of(name, site, folder):
    """Write the wheel that a distribution in a site was installed from, but for its scripts."""
    (found,) = distributions(name=name, path=[str(site)])
    (info,) = {file.parts[0] for file in found.files if file.name == "METADATA"}
    about = found.read_text("WHEEL")
    tag = next(line.split()[1] for line in about.splitlines() if line.startswith("Tag:"))
    kept = [
        file
        for file in found.files
        if ".." not in file.parts
        and not (file.parts[0] == info and file.name in _LEFT)
        and "__pycache__" not in file.parts
    ]
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    wheel = folder / f"{info.removesuffix('.dist-info')}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in kept:
            data = file.read_binary()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
            archive.writestr(file.as_posix(), data)
            rows.writerow([file.as_posix(), f"sha256={digest.decode()}", len(data)])
        rows.writerow([f"{info}/RECORD", "", ""])
        archive.writestr(f"{info}/RECORD", record.getvalue())
    return wheel
