// Echo server and client on Go's crypto/tls, for the interop tests.
//
// server <options>: prints "PORT <n>", echoes on every connection until it is stopped.
// client <options>: sends standard input's first bytes (their number is given), reads as many back, prints them.
// resume <options>: connects so many times with one cache of sessions, sends a line and reads the answer each time;
//
//	prints "RESUMED [...]", "RETRIED [...]" (was there a HelloRetryRequest) and DONE.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type options struct {
	Version, Certfile, Keyfile, Cafile, Servername, RequireClientCa string
	Suite                                                           uint16
	Groups                                                          []tls.CurveID
	Alpn                                                            []string
	Port, Length, Times                                             int
	Identity                                                        *struct{ Certfile, Keyfile string }
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pool(file string) *x509.CertPool {
	pem, err := os.ReadFile(file)
	check(err)
	certificates := x509.NewCertPool()
	certificates.AppendCertsFromPEM(pem)
	return certificates
}

func config(o options) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13, NextProtos: o.Alpn, CurvePreferences: o.Groups}
	switch o.Version {
	case "tlsv1.3":
		c.MinVersion = tls.VersionTLS13
	case "tlsv1.2":
		c.MaxVersion = tls.VersionTLS12
	}
	if o.Suite != 0 {
		c.CipherSuites = []uint16{o.Suite}
	}
	return c
}

func identity(c *tls.Config, certfile, keyfile string) {
	pair, err := tls.LoadX509KeyPair(certfile, keyfile)
	check(err)
	c.Certificates = []tls.Certificate{pair}
}

func serve(o options) {
	c := config(o)
	identity(c, o.Certfile, o.Keyfile)
	if o.RequireClientCa != "" {
		c.ClientCAs = pool(o.RequireClientCa)
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", c)
	check(err)
	var port int
	fmt.Sscanf(listener.Addr().String(), "127.0.0.1:%d", &port)
	fmt.Printf("PORT %d\n", port)
	for {
		connection, err := listener.Accept()
		check(err)
		go func() {
			defer connection.Close()
			io.Copy(connection, connection)
		}()
	}
}

func call(o options) {
	c := config(o)
	c.RootCAs = pool(o.Cafile)
	c.ServerName = o.Servername
	if o.Identity != nil {
		identity(c, o.Identity.Certfile, o.Identity.Keyfile)
	}
	connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", o.Port), c)
	check(err)
	go io.CopyN(connection, os.Stdin, int64(o.Length))
	_, err = io.CopyN(os.Stdout, connection, int64(o.Length))
	check(err)
	connection.Close()
}

func resume(o options) {
	c := config(o)
	c.RootCAs = pool(o.Cafile)
	c.ServerName = o.Servername
	c.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	var resumed, retried []bool
	for range o.Times {
		connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", o.Port), c)
		check(err)
		reader := bufio.NewReader(connection)
		// Behind the tickets; then an echo.
		_, err = reader.ReadString('\n')
		check(err)
		_, err = fmt.Fprintln(connection, "a line")
		check(err)
		_, err = reader.ReadString('\n')
		check(err)
		state := connection.ConnectionState()
		resumed = append(resumed, state.DidResume)
		retried = append(retried, state.HelloRetryRequest)
		connection.Close()
	}
	fmt.Printf("RESUMED %v\nRETRIED %v\nDONE\n", resumed, retried)
}

func main() {
	var o options
	check(json.Unmarshal([]byte(os.Args[2]), &o))
	switch os.Args[1] {
	case "server":
		serve(o)
	case "resume":
		resume(o)
	default:
		call(o)
	}
}
