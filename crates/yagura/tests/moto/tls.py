"""A web server and a mail server under TLS on loopback, by a certificate authority of their own.

    python tls.py FOLDER HTTPS_PORT SMTP_PORT

Writes FOLDER/ca.pem, then answers until it is killed. FOLDER/got holds a line for each message: `https BYTES` or `smtp BYTES`. The mail server
takes nothing before STARTTLS.
"""
import datetime
import http.server
import ipaddress
import os
import socketserver
import ssl
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FOLDER = sys.argv[1]


def certificates():
    now = datetime.datetime.now(datetime.timezone.utc)
    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])  # noqa: E731
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]

    def made(subject, key, by, extensions):
        made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("Test CA")).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        made = made.not_valid_after(now + datetime.timedelta(days=30))
        for extension in extensions:
            made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return made.sign(by, hashes.SHA256())

    ca = made("Test CA", keys[0], keys[0], [x509.BasicConstraints(ca=True, path_length=0)])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    own = made("localhost", keys[1], keys[0], [x509.SubjectAlternativeName(names), x509.BasicConstraints(ca=False, path_length=None)])
    pem = serialization.Encoding.PEM
    key = keys[1].private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for file, data in [("ca.new", ca.public_bytes(pem)), ("own.pem", own.public_bytes(pem) + key)]:
        with open(os.path.join(FOLDER, file), "wb") as f:
            f.write(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(FOLDER, "own.pem"))
    return context


def got(kind, size):
    with open(os.path.join(FOLDER, "got"), "a", encoding="ascii") as f:
        f.write(f"{kind} {size}\n")


class Web(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        got("https", len(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(socketserver.BaseRequestHandler):
    def handle(self):
        self.stream, secure = self.request.makefile("rwb", buffering=0), False
        self.say("220 testkit")
        while line := self.stream.readline():
            word = line.split()[0].upper()
            if word == b"STARTTLS":
                self.say("220 go on")
                self.stream, secure = CONTEXT.wrap_socket(self.request, server_side=True).makefile("rwb", buffering=0), True
            elif word == b"EHLO":
                self.say("250-testkit\r\n250 STARTTLS" if not secure else "250 testkit")
            elif not secure:
                self.say("530 STARTTLS first")
            elif word == b"DATA":
                self.say("354 go on")
                size = 0
                while (line := self.stream.readline()) not in (b".\r\n", b""):
                    size += len(line)
                got("smtp", size)
                self.say("250 taken")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, text):
        self.stream.write(text.encode() + b"\r\n")


CONTEXT = certificates()
os.rename(os.path.join(FOLDER, "ca.new"), os.path.join(FOLDER, "ca.pem"))
mail = socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[3])), Mail)
threading.Thread(target=mail.serve_forever, daemon=True).start()
web = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Web)  # the last: who waits for it finds both
web.socket = CONTEXT.wrap_socket(web.socket, server_side=True)
web.serve_forever()
