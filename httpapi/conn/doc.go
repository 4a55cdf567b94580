// Package conn is a connection's life: it lets clients in within bounds, reads
// their requests, has a handler answer them, and closes connections whose
// clients take too long or whose place another one needs. It knows no JSON and
// no store.
//
// fasthttp has a goroutine for each connection. Serving one small request that
// way takes a read that finds nothing, two times being parked and woken, once for
// the request and once for the disk, and buffers and a stack of its own, which
// have left the processor's caches by the time they are needed. So on Linux
// connections begin in an event loop, of which each processor has one
// (loop_linux.go). A loop itself answers the plain posts that clients of this
// service send all day, whose heads it reads itself (head.go), and sends all the answers that waited for a commit at
// once. A request that is as simple but may take longer is answered in a
// goroutine while the loop keeps the connection (aside_linux.go). Whatever else
// comes (parser.go) makes the connection leave its loop for good: fasthttp serves
// it to its end (library.go), as it serves everything on other systems.
//
// TLS is a layer between a loop's socket and its requests (secure_linux.go). Shaking hands
// takes too long for a loop: a goroutine does, while the loop keeps the socket
// (handshake_linux.go).
package conn
