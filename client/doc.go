// Package client has the client for pages; its tests run it in a browser and in Node.
package client
