"""Connections that are encrypted, to a server that proves who it is, or why there is none."""

from __future__ import annotations

import datetime as dt
import traceback

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support import postgres
from tests.support.postgres import PASSWORD

from meta_experiment.errors import NetworkError
from meta_experiment.store.postgres.connections import Connections

pytestmark = pytest.mark.long
DAY = dt.timedelta(days=1)


class Authority:
    """Somebody who signs certificates."""

    def __init__(self, folder, name):
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), name
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._signed(self.key, name, ca=True))

    def issue(self, server, host, *, ends=DAY):
        """Write a certificate and its key where a server reads them; return its settings."""
        key, stem = ec.generate_private_key(ec.SECP256R1()), f"{host}-{ends.days}"
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        server.write(f"{stem}.crt", self._signed(key, host, ends=ends))
        server.write(f"{stem}.key", key.private_bytes(*form, serialization.NoEncryption()))
        return {
            "ssl": "on",
            "ssl_cert_file": server.folder / f"{stem}.crt",
            "ssl_key_file": server.folder / f"{stem}.key",
        }

    def _signed(self, key, name, *, ca=False, ends=DAY):
        today = dt.datetime.now(dt.UTC)

        def called(text):
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

        made = (
            x509.CertificateBuilder(called(self.name), called(name), key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - 9 * DAY)
            .not_valid_after(today + ends)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authorities")
    return Authority(folder, "ours"), Authority(folder, "theirs")


@pytest.fixture(scope="module")
def server(postgres_server, authorities):
    """Give a server that speaks encrypted to whoever wants that."""
    del postgres_server  # skips where there is none
    server = postgres.Server()
    server.stop()
    server.start(**authorities[0].issue(server, "db.example.org"))
    yield server
    server.remove()


def at(server, authority, host="db.example.org"):
    """Return the URL of a client that wants to be sure of the server."""
    return (
        f"postgresql://{postgres.BOSS}:{PASSWORD}@{host}:{server.port}/postgres"
        f"?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={authority}"
    )


def refusal(url):
    connections = Connections(url)
    with pytest.raises(NetworkError) as caught, connections.transaction():
        raise AssertionError("a connection came about")
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_a_server_that_proves_who_it_is_is_spoken_to_encrypted(server, authorities):
    connections = Connections(at(server, authorities[0].path))
    with connections.transaction() as connection:
        found = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
        assert connection.execute(found).fetchone() == (True, "TLSv1.3")
    connections.close()


def test_one_that_does_not_is_told_why(server, authorities, tmp_path):
    """The wrong host, an unknown authority, none, a certificate of yesterday, no encryption."""
    ours, theirs = authorities
    other = refusal(at(server, ours.path, "db.example.com"))
    assert "certificate of another host" in other.message
    assert "db.example.org" in other.message
    assert "expired, or is of no authority" in refusal(at(server, theirs.path)).message
    missing = refusal(at(server, tmp_path / "none.pem"))
    assert "is not there" in missing.message
    assert "sslrootcert=FILE" in missing.hint
    server.stop()
    server.start(**ours.issue(server, "db.example.org", ends=-DAY))
    assert "expired, or is of no authority" in refusal(at(server, ours.path)).message
    server.stop()
    server.start(ssl="off")
    none = refusal(at(server, ours.path))
    assert "No encrypted connection" in none.message
    assert "does not support SSL" in none.message
