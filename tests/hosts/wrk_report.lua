-- One line instead of wrk's own report.
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("p50_us=%d p99_us=%d max_us=%d requests=%d errors=%d\n", latency:percentile(50),
        latency:percentile(99), latency.max, summary.requests,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
