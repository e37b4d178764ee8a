// The same page from client_golang: a GaugeVec per family, served by promhttp.
//
// It reads a page of the exporter to know the series, and obeys lines on standard input as the other
// contenders do: "prepare ROUND ACCOUNTS" computes values, "apply" sets them. Children are looked up
// once and kept, as one would who cares for speed.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type series struct {
	gauge   prometheus.Gauge
	account string
	base    float64
	next    float64
}

func main() {
	all := load(os.Args[1])
	debug.FreeOSMemory()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.Handle("/metrics", promhttp.Handler())
	go func() { panic(http.Serve(listener, nil)) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)

	commands := bufio.NewScanner(os.Stdin)
	changed := 0
	for commands.Scan() {
		words := strings.Fields(commands.Text())
		if words[0] == "prepare" {
			round, _ := strconv.Atoi(words[1])
			accounts, _ := strconv.Atoi(words[2])
			changed = accounts
			for index := range all {
				all[index].next = all[index].base * (1 + float64(round)/1000)
			}
		} else {
			limit := fmt.Sprintf("account-%04d", changed)
			for index := range all {
				if all[index].account < limit {
					all[index].gauge.Set(all[index].next)
				}
			}
		}
		fmt.Println("done")
	}
}

// load makes the series of a page in the text format. Its label values need no escapes.
func load(path string) []series {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	var all []series
	help := ""
	families := map[string]*prometheus.GaugeVec{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "# HELP ") {
			help = strings.SplitN(line, " ", 4)[3]
		}
		open := strings.Index(line, "{account=")
		if line[0] == '#' || open < 0 {
			continue
		}
		end := strings.LastIndex(line, "} ")
		var names, values []string
		for _, pair := range strings.Split(line[open+1:end-1], `",`) {
			parts := strings.SplitN(pair, `="`, 2)
			names, values = append(names, parts[0]), append(values, parts[1])
		}
		family, known := families[line[:open]]
		if !known {
			options := prometheus.GaugeOpts{Name: strings.Clone(line[:open]), Help: strings.Clone(help)}
			family = prometheus.NewGaugeVec(options, names)
			prometheus.MustRegister(family)
			families[line[:open]] = family
		}
		for index := range values {
			values[index] = strings.Clone(values[index])
		}
		value, err := strconv.ParseFloat(line[end+2:], 64)
		if err != nil {
			panic(err)
		}
		gauge := family.WithLabelValues(values...)
		gauge.Set(value)
		all = append(all, series{gauge, values[0], value, value})
	}
	return all
}
