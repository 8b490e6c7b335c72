module actor-tls.invalid/interop

go 1.26
