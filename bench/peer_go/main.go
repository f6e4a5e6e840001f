// The same sweep with net/http: keep-alive, a goroutine per endpoint (at most 512 dialing or asking at a
// time but for those known to be dead, which start first), every body decoded and checked.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type list struct {
	Object string `json:"object"`
	Data   []struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	} `json:"data"`
}

func number(i int) int {
	value, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return value
}

func cpu() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return (usage.Utime.Sec+usage.Stime.Sec)*1e6 + usage.Utime.Usec + usage.Stime.Usec
}

func ask(client *http.Client, url string, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil || response.StatusCode != http.StatusOK {
		return false
	}
	var models list
	if json.Unmarshal(body, &models) != nil {
		return false
	}
	for _, model := range models.Data {
		if model.ID == "qwen3-coder-30b-a3b" {
			return true
		}
	}
	return false
}

func main() {
	port, count, dead, timeoutMs, sweeps := number(1), number(2), number(3), number(4), number(5)
	timeout := time.Duration(timeoutMs) * time.Millisecond
	client := &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{}).DialContext,
			MaxIdleConns:        0,
			MaxIdleConnsPerHost: 1,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	urls, failed, live := make([]string, count), make([]bool, count), 0
	for i := range urls {
		urls[i] = fmt.Sprintf("http://127.%d.%d.%d:%d/v1/models", 1+i/62500, i/250%250, i%250+1, port)
		if i*dead/100 == (i+1)*dead/100 {
			live++
		}
	}
	var walls, cpus []int64
	var cold, coldCPU int64
	missed := 0
	for sweep := 0; sweep < sweeps; sweep++ {
		start, startCPU := time.Now(), cpu()
		var group sync.WaitGroup
		var answered int64
		window := make(chan struct{}, 512)
		launch := func(i int, windowed bool) {
			group.Add(1)
			if windowed {
				window <- struct{}{}
			}
			go func() {
				defer group.Done()
				if windowed {
					// A silent endpoint holds its place for a moment only.
					release := time.AfterFunc(50*time.Millisecond, func() { <-window })
					defer func() {
						if release.Stop() {
							<-window
						}
					}()
				}
				ok := ask(client, urls[i], timeout)
				failed[i] = !ok
				if ok {
					atomic.AddInt64(&answered, 1)
				}
			}()
		}
		first := append([]bool(nil), failed...)
		for i := range urls {
			if first[i] {
				launch(i, false)
			}
		}
		for i := range urls {
			if !first[i] {
				launch(i, true)
			}
		}
		group.Wait()
		wall, used := time.Since(start).Microseconds(), cpu()-startCPU
		missed += live - int(answered)
		if sweep == 0 {
			cold, coldCPU = wall, used
		} else {
			walls, cpus = append(walls, wall), append(cpus, used)
		}
		time.Sleep(100 * time.Millisecond)
	}
	median := func(values []int64) float64 {
		if len(values) == 0 {
			return 0
		}
		sort.Slice(values, func(a, b int) bool { return values[a] < values[b] })
		return float64(values[len(values)/2])
	}
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	fmt.Printf("go-net-http cold_ms=%.1f cold_cpu_us=%.1f warm_ms=%.1f warm_cpu_us=%.1f missed=%d peak_mib=%.1f\n",
		float64(cold)/1e3, float64(coldCPU)/float64(count), median(walls)/1e3, median(cpus)/float64(count),
		missed, float64(usage.Maxrss)/1024)
}
