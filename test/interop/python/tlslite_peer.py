"""tlslite-ng for the interop tests: it has RC4, 3DES, anonymous key exchange and SRP, which few others still have.

client PORT SETTINGS: connects, sends its input's first line, prints what comes back, ends with close_notify.
server CERTFILE KEYFILE SETTINGS: prints "PORT <n>", takes one connection and echoes it to its end.
SETTINGS is JSON: version (of the wire, its second byte), exchange, cipher, mac, user ([name, password] of SRP, or null), and
etm and ems (whether encrypt-then-MAC and the extended master secret are spoken). A certificate is not judged here.
"""
import json
import socket
import sys

from tlslite.api import (
    HandshakeSettings,
    TLSConnection,
    VerifierDB,
    X509CertChain,
    parsePEMKey,
)


def settings_of(wish):
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, wish["version"])
    settings.keyExchangeNames = [wish["exchange"]]
    settings.cipherNames = [wish["cipher"]]
    settings.macNames = [wish["mac"]]
    settings.useEncryptThenMAC = wish["etm"]
    settings.useExtendedMasterSecret = wish["ems"]
    return settings


def client(port, wish):
    connection = TLSConnection(socket.create_connection(("127.0.0.1", port), 20))
    settings = settings_of(wish)
    if wish["user"] is not None:
        name, password = wish["user"]
        connection.handshakeClientSRP(
            bytearray(name, "utf8"), bytearray(password, "utf8"), settings=settings, serverName="localhost"
        )
    elif wish["exchange"].endswith("_anon"):
        connection.handshakeClientAnonymous(settings=settings, serverName="localhost")
    else:
        connection.handshakeClientCert(settings=settings, serverName="localhost")
    line = sys.stdin.buffer.readline()
    connection.sendall(line)
    received = bytearray()
    while len(received) < len(line):
        received += connection.recv(len(line) - len(received))
    sys.stdout.buffer.write(received)
    sys.stdout.flush()
    connection.close()


def server(certfile, keyfile, wish):
    listener = socket.create_server(("127.0.0.1", 0))
    print("PORT", listener.getsockname()[1], flush=True)
    connection = TLSConnection(listener.accept()[0])
    means = {"settings": settings_of(wish)}
    if wish["user"] is not None:
        name, password = wish["user"]
        users = VerifierDB()
        users.create()
        # By the name as it comes over the wire.
        users[name.encode("utf8")] = VerifierDB.makeVerifier(name, password, 2048)
        means["verifierDB"] = users
    if wish["exchange"].endswith("_anon"):
        means["anon"] = True
    elif wish["exchange"] != "srp_sha":
        chain = X509CertChain()
        with open(certfile, encoding="ascii") as pem:
            chain.parsePemList(pem.read())
        with open(keyfile, encoding="ascii") as pem:
            means.update(certChain=chain, privateKey=parsePEMKey(pem.read(), private=True))
    connection.handshakeServer(**means)
    while True:
        data = connection.recv(4096)
        if not data:
            break
        connection.sendall(data)
    connection.close()


if sys.argv[1] == "client":
    client(int(sys.argv[2]), json.loads(sys.argv[3]))
else:
    server(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
