// Command instructions counts the processor's instructions that the steps of a record take,
// and compares them with those of an earlier revision. A busy machine makes times worthless;
// what is executed stays the same to a percent or two.
//
//	go run ./bench/instructions              compare with bench/instructions/baseline.json
//	go run ./bench/instructions -update      make that anew
//
// It runs the benchmarks of the rooms under valgrind, each twice, and takes the difference: what
// starting takes is in both. Instructions of the kernel are not counted.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// errNoValgrind means that instructions cannot be counted here.
var errNoValgrind = errors.New("valgrind is not installed: on Debian, apt-get install valgrind")

func main() {
	update := flag.Bool("update", false, "write the counts to the baseline instead of comparing them")
	baseline := flag.String("baseline", filepath.Join("bench", "instructions", "baseline.json"), "the counts to compare with")
	flag.Parse()
	if err := run(*baseline, *update); err != nil {
		fmt.Fprintln(os.Stderr, "instructions:", err)
		os.Exit(1)
	}
}

func run(baseline string, update bool) error {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return errNoValgrind
	}
	counted, err := countAll(steps)
	if err != nil {
		return err
	}
	if update {
		return counted.save(baseline)
	}
	before, err := load(baseline)
	if err != nil {
		return err
	}
	report(before, counted)
	return nil
}

// countAll counts the instructions of each step.
func countAll(steps []step) (counts, error) {
	folder, err := os.MkdirTemp("", "instructions")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	counted, binaries := counts{}, map[string]string{}
	for _, s := range steps {
		if binaries[s.room] == "" {
			binary := filepath.Join(folder, strings.ReplaceAll(s.room, "/", "_")+".test")
			if out, err := exec.Command("go", "test", "-c", "-o", binary, "./"+s.room).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("building the benchmarks of %s: %w\n%s", s.room, err, out)
			}
			binaries[s.room] = binary
		}
		if counted[s.name], err = s.count(binaries[s.room], folder); err != nil {
			return nil, err
		}
	}
	return counted, nil
}

// report prints the counts beside those before.
func report(before, now counts) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "step\tbefore\tnow\tratio\t")
	for _, s := range steps {
		ratio := "new"
		if earlier := before[s.name]; earlier > 0 {
			ratio = fmt.Sprintf("%.3f", now[s.name]/earlier)
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%s\t\n", s.name, before[s.name], now[s.name], ratio)
	}
	w.Flush()
}
