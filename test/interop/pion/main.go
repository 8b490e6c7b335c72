// A peer of DTLS 1.2 with connection IDs: an echo server, or a client that says what it reads and can change its port.
//
//	pion server <suite> <bytes of its connection ID | send | none>
//	pion client <suite> <bytes | send | none> <port>
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
)

var key = []byte("0123456789abcdef")

type option interface {
	dtls.ServerOption
	dtls.ClientOption
}

func options(suite, ids string) []option {
	id, err := strconv.ParseUint(suite, 0, 16)
	check(err)
	all := []option{
		dtls.WithPSK(func([]byte) ([]byte, error) { return key, nil }),
		dtls.WithPSKIdentityHint([]byte("device")),
		dtls.WithCipherSuites(dtls.CipherSuiteID(id)),
	}
	switch ids {
	case "none":
	case "send":
		all = append(all, dtls.WithConnectionIDGenerator(dtls.OnlySendCIDGenerator()))
	default:
		size, err := strconv.Atoi(ids)
		check(err)
		all = append(all, dtls.WithConnectionIDGenerator(dtls.RandomCIDGenerator(size)))
	}
	return all
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

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

func serve(suite, ids string) {
	all := []dtls.ServerOption{}
	for _, one := range options(suite, ids) {
		all = append(all, one)
	}
	listener, err := dtls.ListenWithOptions("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, all...)
	check(err)
	fmt.Printf("PORT %d\n", listener.Addr().(*net.UDPAddr).Port)
	for {
		conn, err := listener.Accept()
		check(err)
		go echo(conn)
	}
}

func echo(conn net.Conn) {
	into := make([]byte, 8192)
	for {
		length, err := conn.Read(into)
		if err != nil {
			return
		}
		fmt.Printf("FROM %s\n", conn.RemoteAddr())
		if _, err = conn.Write(into[:length]); err != nil {
			return
		}
	}
}

func speak(suite, ids, port string) {
	all := []dtls.ClientOption{}
	for _, one := range options(suite, ids) {
		all = append(all, one)
	}
	to, err := net.ResolveUDPAddr("udp", "127.0.0.1:"+port)
	check(err)
	socket := &moving{PacketConn: open()}
	conn, err := dtls.ClientWithOptions(socket, to, all...)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(conn.HandshakeContext(ctx))
	fmt.Println("READY")
	lines := bufio.NewScanner(os.Stdin)
	into := make([]byte, 8192)
	for lines.Scan() {
		if lines.Text() == "move" {
			socket.move()
			fmt.Println("MOVED")
			continue
		}
		_, err := conn.Write(lines.Bytes())
		check(err)
		check(conn.SetReadDeadline(time.Now().Add(5 * time.Second)))
		length, err := conn.Read(into)
		check(err)
		fmt.Printf("GOT %s\n", into[:length])
	}
	conn.Close()
}

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2], os.Args[3])
	} else {
		speak(os.Args[2], os.Args[3], os.Args[4])
	}
}
