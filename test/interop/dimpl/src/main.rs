//! A peer of DTLS 1.3: a server that echoes whatever any number of clients say, or a client that is told what to say.
//!
//!     peer server|client <name=value>…
//!
//! `port`, of the server to speak to; `cert` and `key`, files with DER (PKCS #8); `suite` and `group`, IANA's numbers;
//! `mtu`; `rto`, milliseconds until a flight is repeated; `update`, after how many records new keys are taken;
//! `both`, whether it has DTLS 1.2 too;
//! `ask`, whether clients have to show a certificate; `cookie`, whether they are asked for one. On standard input:
//! `send <text>` and `close`, for all connections.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{self, BufRead};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use dimpl::crypto::{Dtls13CipherSuite, NamedGroup};
use dimpl::{Config, Dtls, DtlsCertificate, Output};

struct Words(HashMap<String, String>);

impl Words {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
    fn number(&self, name: &str) -> Option<u64> {
        self.text(name).map(|value| value.parse().expect(name))
    }
    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.text(name).expect(name)).expect(name)
    }
}

fn config(words: &Words) -> Config {
    let mut builder = Config::builder()
        .require_client_certificate(words.number("ask") == Some(1))
        .use_server_cookie(words.number("cookie") != Some(0));
    if words.number("both") != Some(1) {
        builder = builder.dtls12_cipher_suites(&[]);
    }
    if let Some(suite) = words.number("suite") {
        builder = builder.dtls13_cipher_suites(&[Dtls13CipherSuite::from_u16(suite as u16)]);
    }
    if let Some(groups) = words.text("group") {
        let all: Vec<_> = groups
            .split(',')
            .map(|one| NamedGroup::from_u16(one.parse().expect("group")))
            .collect();
        builder = builder.kx_groups(&all);
    }
    if let Some(mtu) = words.number("mtu") {
        builder = builder.mtu(mtu as usize);
    }
    if let Some(rto) = words.number("rto") {
        builder = builder
            .flight_start_rto(Duration::from_millis(rto))
            .flight_retries(8);
    }
    if let Some(records) = words.number("update") {
        builder = builder.aead_encryption_limit(records);
    }
    builder.build().expect("config")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Connection {
    dtls: Dtls,
    peer: SocketAddr,
    wake: Option<Instant>,
    echoes: bool,
    ended: bool,
}

impl Connection {
    fn ends<T>(&mut self, outcome: Result<T, dimpl::Error>) {
        if let Err(error) = outcome {
            println!("ERROR {error:?}");
            self.ended = true;
        }
    }

    /// Sends and says all that there is, and keeps when to look again.
    fn drain(&mut self, socket: &UdpSocket) {
        let mut room = vec![0; 20_000];
        let mut echoed: Vec<Vec<u8>> = Vec::new();
        loop {
            match self.dtls.poll_output(&mut room) {
                Output::Packet(bytes) => {
                    let _ = socket.send_to(bytes, self.peer);
                }
                Output::BufferTooSmall { needed } => room.resize(needed, 0),
                Output::Connected => println!("READY {:?}", self.dtls.protocol_version()),
                Output::PeerCert(der) => println!("CERT {}", hex(der)),
                Output::ApplicationData(data) => {
                    println!("GOT {}", String::from_utf8_lossy(data));
                    if self.echoes {
                        echoed.push(data.to_vec());
                    }
                }
                Output::KeyingMaterial(keys, profile) => {
                    println!("SRTP {profile:?} {}", hex(&keys))
                }
                Output::CloseNotify => {
                    println!("CLOSED");
                    self.ended = true;
                }
                Output::Timeout(at) => {
                    self.wake = Some(at);
                    break;
                }
                _ => {}
            }
        }
        if !echoed.is_empty() && !self.ended {
            for data in echoed {
                let outcome = self.dtls.send_application_data(&data);
                self.ends(outcome);
            }
            self.drain(socket);
        }
    }

    fn time(&mut self, socket: &UdpSocket, now: Instant) {
        if self.wake.is_some_and(|at| at <= now) {
            let outcome = self.dtls.handle_timeout(now);
            self.ends(outcome);
            self.drain(socket);
        }
    }

    fn take(&mut self, socket: &UdpSocket, bytes: &[u8], now: Instant) {
        let outcome = self
            .dtls
            .handle_timeout(now)
            .and_then(|()| self.dtls.handle_packet(bytes));
        self.ends(outcome);
        self.drain(socket);
    }

    fn obey(&mut self, socket: &UdpSocket, line: &str) {
        let outcome = match line.split_once(' ') {
            Some(("send", text)) => self.dtls.send_application_data(text.as_bytes()).map(|_| ()),
            _ => self.dtls.close(),
        };
        self.ends(outcome);
        self.drain(socket);
    }
}

fn lines() -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn main() {
    let role = env::args().nth(1).expect("a role");
    let words = Words(
        env::args()
            .skip(2)
            .filter_map(|word| {
                word.split_once('=')
                    .map(|(name, value)| (name.to_string(), value.to_string()))
            })
            .collect(),
    );
    let config = Arc::new(config(&words));
    let own = DtlsCertificate {
        certificate: words.file("cert"),
        private_key: words.file("key"),
    };
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_millis(5)))
        .expect("a timeout");
    println!("PORT {}", socket.local_addr().expect("an address").port());
    let both = words.number("both") == Some(1);
    let start = |peer: SocketAddr, echoes: bool| Connection {
        dtls: if both {
            Dtls::new_auto(config.clone(), own.clone(), Instant::now())
        } else {
            Dtls::new_13(config.clone(), own.clone(), Instant::now())
        },
        peer,
        wake: None,
        echoes,
        ended: false,
    };
    let mut all: HashMap<SocketAddr, Connection> = HashMap::new();
    if role == "client" {
        let peer = SocketAddr::from(([127, 0, 0, 1], words.number("port").expect("port") as u16));
        let mut connection = start(peer, false);
        connection.dtls.set_active(true);
        let outcome = connection.dtls.handle_timeout(Instant::now());
        connection.ends(outcome);
        connection.drain(&socket);
        all.insert(peer, connection);
    }
    let said = lines();
    let mut bytes = [0; 65_536];
    loop {
        if let Ok((length, from)) = socket.recv_from(&mut bytes) {
            if role == "server" {
                all.entry(from).or_insert_with(|| start(from, true));
            }
            if let Some(connection) = all.get_mut(&from) {
                connection.take(&socket, &bytes[..length], Instant::now());
            }
        }
        while let Ok(line) = said.try_recv() {
            for connection in all.values_mut() {
                connection.obey(&socket, &line);
            }
        }
        for connection in all.values_mut() {
            connection.time(&socket, Instant::now());
        }
        all.retain(|_, connection| !connection.ended);
    }
}
