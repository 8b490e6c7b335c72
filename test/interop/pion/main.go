// A peer of DTLS 1.3 or 1.2: a server that echoes whatever any number of clients say, or a client that is told what to say.
//
//	peer server|client <name=value>…
//
// `port` and `name`, of the server to speak to; `version`, 1.2 or 1.3, `both` for the two; `cert`, `key`, `ca`, files with PEM;
// `psk` and `identity`, a key in hex and its name; `suite` and `group`, IANA's numbers; `mtu`; `ask`, whether clients have to
// show a certificate; `cookie`, whether they are asked for one; `tickets`, whether they are given and kept; `ids`, bytes of its
// connection ID or `send`; `check`, of a new address: reject, unsafe, rrc. On standard input: `send <text>`, `close`; of a client
// also `move`, which takes another port without a word, `switch`, which asks on another path and goes there, `update` and
// `update both`, for new keys, and `again`, another connection.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v4"
	"github.com/pion/dtls/v4/pkg/crypto/ciphersuite"
	"github.com/pion/dtls/v4/pkg/crypto/elliptic"
	"github.com/pion/dtls/v4/pkg/protocol"
)

var words = map[string]string{}

func number(name string) int {
	if words[name] == "" {
		return 0
	}
	value, err := strconv.Atoi(words[name])
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Printf("ERROR %v\n", err)
		os.Exit(1)
	}
}

func pool(file string) *x509.CertPool {
	pem, err := os.ReadFile(file)
	check(err)
	certs := x509.NewCertPool()
	if !certs.AppendCertsFromPEM(pem) {
		check(errors.New("no certificates"))
	}
	return certs
}

func psk() dtls.Option {
	secret, err := hex.DecodeString(words["psk"])
	check(err)
	mine := dtls.PSK{Identity: []byte(words["identity"]), Key: secret}
	return dtls.WithPSK(
		func() ([]dtls.PSK, error) { return []dtls.PSK{mine}, nil },
		func(identities [][]byte) (*dtls.PSK, error) {
			return &dtls.PSK{Identity: identities[0], Key: secret}, nil
		},
	)
}

func versions() (protocol.Version, protocol.Version) {
	switch {
	case words["both"] == "1":
		return protocol.Version1_2, protocol.Version1_3
	case words["version"] == "1.2":
		return protocol.Version1_2, protocol.Version1_2
	default:
		return protocol.Version1_3, protocol.Version1_3
	}
}

func connectionIDs() (func() []byte, dtls.CIDPathMigrationPolicy) {
	policy := map[string]dtls.CIDPathMigrationPolicy{
		"":       dtls.CIDPathMigrationReject,
		"reject": dtls.CIDPathMigrationReject,
		"unsafe": dtls.CIDPathMigrationUnsafe,
		"rrc":    dtls.CIDPathMigrationRRC,
	}[words["check"]]
	if words["ids"] == "send" {
		return dtls.OnlySendCIDGenerator(), policy
	}
	return dtls.RandomCIDGenerator(number("ids")), policy
}

func options(store dtls.SessionStore) []dtls.Option {
	least, most := versions()
	all := []dtls.Option{dtls.WithMinVersion(least), dtls.WithMaxVersion(most)}
	if words["mtu"] != "" {
		all = append(all, dtls.WithMTU(number("mtu")))
	}
	if words["psk"] != "" {
		all = append(all, psk())
	}
	if words["cert"] != "" {
		pair, err := tls.LoadX509KeyPair(words["cert"], words["key"])
		check(err)
		all = append(all, dtls.WithCertificates(pair))
	}
	if words["suite"] != "" {
		all = append(all, dtls.WithCipherSuites(ciphersuite.ID(number("suite"))))
	}
	if words["group"] != "" {
		curves := []elliptic.Curve{}
		for _, one := range strings.Split(words["group"], ",") {
			code, err := strconv.Atoi(one)
			check(err)
			curves = append(curves, elliptic.Curve(code))
		}
		all = append(all, dtls.WithEllipticCurves(curves...))
	}
	if words["tickets"] == "1" {
		all = append(all, dtls.WithSessionStore(store))
	}
	if words["ids"] != "" {
		all = append(all, dtls.WithConnectionID(connectionIDs()))
	}
	return all
}

// What is kept to be known by again.
type memory struct {
	mutex sync.Mutex
	kept  map[string]dtls.Session
}

func (m *memory) Set(name []byte, session dtls.Session) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.kept[string(name)] = session
	return nil
}

func (m *memory) Get(name []byte) (dtls.Session, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.kept[string(name)], nil
}

func (m *memory) Del(name []byte) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.kept, string(name))
	return nil
}

func newMemory() *memory { return &memory{kept: map[string]dtls.Session{}} }

// A socket that can be exchanged for another one, as a host does that moves.
type moving struct {
	mutex sync.Mutex
	net.PacketConn
}

func open() net.PacketConn {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	return socket
}

func (m *moving) now() net.PacketConn {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.PacketConn
}

func (m *moving) move() {
	m.mutex.Lock()
	before := m.PacketConn
	m.PacketConn = open()
	m.mutex.Unlock()
	before.Close()
}

func (m *moving) ReadFrom(into []byte) (int, net.Addr, error) {
	for {
		socket := m.now()
		length, from, err := socket.ReadFrom(into)
		if err == nil || socket == m.now() {
			return length, from, err
		}
	}
}

func (m *moving) WriteTo(bytes []byte, to net.Addr) (int, error) { return m.now().WriteTo(bytes, to) }

func serve() {
	all := []dtls.ServerOption{}
	for _, one := range options(newMemory()) {
		all = append(all, one)
	}
	if words["ask"] == "1" {
		all = append(all, dtls.WithClientAuth(dtls.RequireAndVerifyClientCert), dtls.WithClientCAs(pool(words["ca"])))
	}
	if words["cookie"] == "0" {
		all = append(all, dtls.WithInsecureSkipVerifyHello(true))
	}
	listener, err := dtls.ListenAddr("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, all...)
	check(err)
	fmt.Printf("PORT %d\n", listener.Addr().(*net.UDPAddr).Port)
	open := &clients{}
	go open.obey()
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Printf("REFUSED %v\n", err)
			continue
		}
		go open.echo(conn.(*dtls.Conn))
	}
}

// Those of a server.
type clients struct {
	mutex sync.Mutex
	all   []*dtls.Conn
}

func (c *clients) obey() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		c.mutex.Lock()
		for _, conn := range c.all {
			text := lines.Text()
			switch {
			case text == "close":
				conn.Close()
			case text == "update", text == "update both":
				go update(conn, text == "update both")
			case strings.HasPrefix(text, "send "):
				_, err := conn.Write([]byte(text[5:]))
				check(err)
			}
		}
		c.mutex.Unlock()
	}
}

func (c *clients) echo(conn *dtls.Conn) {
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		fmt.Printf("REFUSED %v\n", err)
		return
	}
	c.mutex.Lock()
	c.all = append(c.all, conn)
	c.mutex.Unlock()
	fmt.Println("READY")
	into := make([]byte, 8192)
	for {
		length, err := conn.Read(into)
		if err != nil {
			fmt.Printf("CLOSED %v\n", err)
			return
		}
		fmt.Printf("FROM %s\nGOT %s\n", conn.RemoteAddr(), into[:length])
		if _, err = conn.Write(into[:length]); err != nil {
			return
		}
	}
}

func update(conn *dtls.Conn, both bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(conn.UpdateKeys(ctx, dtls.KeyUpdateOptions{RequestPeerUpdate: both}))
	fmt.Println("UPDATED")
}

func connect(store *memory) (*dtls.Conn, *moving) {
	all := []dtls.ClientOption{}
	for _, one := range options(store) {
		all = append(all, one)
	}
	if words["ca"] != "" {
		all = append(all, dtls.WithRootCAs(pool(words["ca"])), dtls.WithServerName(words["name"]))
	}
	to, err := net.ResolveUDPAddr("udp", "127.0.0.1:"+words["port"])
	check(err)
	socket := &moving{PacketConn: open()}
	conn, err := dtls.Client(socket, to, all...)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(conn.HandshakeContext(ctx))
	fmt.Println("READY")
	go tell(conn)
	return conn, socket
}

func tell(conn *dtls.Conn) {
	into := make([]byte, 8192)
	for {
		length, err := conn.Read(into)
		if err != nil {
			fmt.Printf("CLOSED %v\n", err)
			return
		}
		fmt.Printf("GOT %s\n", into[:length])
	}
}

func speak() {
	store := newMemory()
	conn, socket := connect(store)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch text := lines.Text(); {
		case text == "move":
			socket.move()
			fmt.Println("MOVED")
		case text == "switch":
			switchPath(conn)
		case text == "update", text == "update both":
			update(conn, text == "update both")
		case text == "close":
			check(conn.Close())
		case text == "again":
			check(conn.Close())
			conn, socket = connect(store)
		case strings.HasPrefix(text, "send "):
			_, err := conn.Write([]byte(text[5:]))
			check(err)
		}
	}
	conn.Close()
}

func switchPath(conn *dtls.Conn) {
	path, err := conn.AddPath(open())
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if words["check"] == "rrc" {
		check(path.Probe(ctx))
	}
	check(path.Switch())
	fmt.Println("SWITCHED")
}

func main() {
	for _, word := range os.Args[2:] {
		name, value, _ := strings.Cut(word, "=")
		words[name] = value
	}
	if os.Args[1] == "server" {
		serve()
	} else {
		speak()
	}
}
