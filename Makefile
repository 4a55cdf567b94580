# Each target is a piece of work. Without one, make lists them.

staticcheck := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# How many inputs each fuzz target tries. A count and not a time: with a time, a run
# that found nothing may fail with "context deadline exceeded" (https://go.dev/issue/75804).
FUZZTIME ?= 300000x
# The rooms that are mutated, how many mutants each has at most, and which they are.
ROOMS ?= counters snapshot httpapi/records
export MUTANTS ?= 300
export SEED ?= 1

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile

## dev      run the server, and restart it whenever a source file changes
.PHONY: dev
dev:
	@scripts/dev

## test     all tests, the heavy ones in their short form; under four minutes
.PHONY: test
test:
	go test ./...

## lint     formatting, vet, staticcheck
.PHONY: lint
lint:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go vet -tags failpoints,long ./...
	go run $(staticcheck) ./...
	cd release && go vet ./... && go run $(staticcheck) ./...

## race     the tests in any order, with the race detector
.PHONY: race
race:
	go test -race -shuffle=on ./...

## fuzz     each fuzz target for FUZZTIME inputs (300000x)
.PHONY: fuzz
fuzz:
	@for room in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
		for target in $$(go test -list '^Fuzz' $$room | grep '^Fuzz'); do \
			echo "== $$room $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$room || exit 1; \
		done; \
	done

## attack   hostile clients, crashes at each place, random histories, killed and cut-off
##          servers of the log: their long forms
.PHONY: attack
attack:
	go test -tags long -count=1 -timeout 30m ./contract/attack ./contract/history ./cluster/...

## storage  back up to a real server of the S3 API; it is built first
.PHONY: storage
storage:
	cd backup/objectstore/s3test && go vet ./... && go test -count=1 ./...

## torture  kill, cut the power of, and starve the server 500 times; ten minutes
.PHONY: torture
torture:
	go run ./torture

## torture-nodes
##          break several nodes over a real log 50 times, with each ACK; root, ip and nft
##          for cut networks and full disks; half an hour
.PHONY: torture-nodes
torture-nodes:
	go run ./torture/nodes -cycles 50

## bench    measure the server beside an HTTP server that does nothing
.PHONY: bench
bench:
	go run ./bench

## mutate   change the code of ROOMS in MUTANTS places each and see if a test notices
.PHONY: mutate
mutate:
	@for room in $(ROOMS); do echo "== $$room"; scripts/mutate $$room || exit 1; done

## cover    which lines the tests of all rooms run; tmp/cover.html shows them
.PHONY: cover
cover:
	@mkdir -p tmp
	go test -coverpkg=./... -coverprofile=tmp/cover.out ./...
	go tool cover -html=tmp/cover.out -o tmp/cover.html
	go tool cover -func=tmp/cover.out | tail -n 1

## docs     write the table of settings and the drawing of imports
.PHONY: docs
docs:
	go test ./docs -update
	go test ./service -run TestSettingsDocument -update

## screenshots
##          what a browser shows of every view, in both languages and all looks, into
##          tmp/screenshots
.PHONY: screenshots
screenshots:
	@mkdir -p tmp/screenshots
	go test -count=1 -timeout=15m ./page/browsing -run '^TestScreenshots$$' -screenshots "$(CURDIR)/tmp/screenshots"

## map-picture
##          the map that opens README.md, as a browser shows it on made-up traffic
.PHONY: map-picture
map-picture:
	go test -count=1 ./page/browsing -run '^TestMapPicture$$' -map-picture "$(CURDIR)/docs/map.png"

## release  build what is published of the last commit into dist/;
##          PLATFORMS="linux/amd64 linux/arm64" builds only these, and
##          MAINTAINER="NAME <ADDRESS>" is whom the packages name
.PHONY: release
release: export MAINTAINER := $(MAINTAINER)
release:
	cd release && go run . -platforms "$(PLATFORMS)" $(if $(MAINTAINER),-maintainer "$$MAINTAINER")

## platforms
##          build for a system and a processor of each kind that is released
.PHONY: platforms
platforms:
	@for platform in linux/386 darwin/arm64 freebsd/amd64; do \
		echo "== $$platform"; \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} go build -o /dev/null . || exit 1; \
	done

## instructions
##          what each step of a record takes of the processor, beside the last baseline; needs valgrind
.PHONY: instructions
instructions:
	go run ./bench/instructions

## release-short
##          build for linux/amd64 twice, and try the packages on machines of their own
.PHONY: release-short
release-short:
	cd release && go vet ./... && go run $(staticcheck) ./... && go test -timeout 30m ./...

## release-test
##          the same for every platform, with an empty cache, and other processors
##          in an emulator; 20 minutes
.PHONY: release-test
release-test:
	cd release && go test -count=1 -timeout=90m -v . -platforms= -cold
