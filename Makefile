# make dev restarts the server whenever a source file changes.
.PHONY: dev
dev:
	go run github.com/air-verse/air@v1.67.4 -c .air.toml
