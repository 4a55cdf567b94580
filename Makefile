# make dev restarts the server whenever a source file changes.
.PHONY: dev
dev:
	go run github.com/air-verse/air@v1.67.4 -c .air.toml

# make release builds what is published of the last commit into dist/; with
# PLATFORMS="linux/amd64 linux/arm64" only for these.
.PHONY: release
release:
	cd release && go run . -platforms "$(PLATFORMS)"

# make release-test builds for every platform, and tries the packages on machines
# of their own and other processors in an emulator: some 20 minutes on two cores.
.PHONY: release-test
release-test:
	cd release && go test -count=1 -timeout=60m -v . -every-platform
