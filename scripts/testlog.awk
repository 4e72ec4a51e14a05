# Reads the output of `go test -v` of one or several packages, and prints what matters
# when something failed: the failing tests with what they printed, and what belongs to
# no test (a build that failed, a panic, a time limit).
#
#   counts  file to append "PASSED FAILED SKIPPED" to. Of a test and its subtests the
#           subtests count.
#   skips   file to append a line "REASON<tab>TEST" to for each skipped test.
#
# A line belongs to the test that the last "=== RUN", "=== CONT" or "=== NAME" line
# named. A package ends with its "ok" or "FAIL" line, or where as-user.sh starts another.

function keep(test, line) {
	# Of a talkative test the end counts; the rest is dropped now and then.
	buffer[test] = buffer[test] line "\n"
	if (length(buffer[test]) > 40000) buffer[test] = "    [...]\n" substr(buffer[test], length(buffer[test]) - 20000)
}

function reason(text, lines, n, i, last) {
	n = split(text, lines, "\n")
	last = "no reason given"
	for (i = 1; i <= n; i++) {
		if (lines[i] ~ /^ *[^ :]+\.go:[0-9]+: /) {
			last = lines[i]
			sub(/^ *[^ :]+\.go:[0-9]+: /, "", last)
		} else if (lines[i] ~ /^        /) { # the message goes on
			sub(/^ +/, " ", lines[i])
			last = last lines[i]
		}
	}
	# A script says all that it did before it was skipped.
	if (match(last, /> \[[^]]*\] skip '[^\n]*'/)) {
		last = substr(last, RSTART, RLENGTH)
		sub(/^> \[[^]]*\] skip '/, "", last)
		sub(/'$/, "", last)
		gsub(/''/, "'", last)
	}
	gsub(/\t/, " ", last)
	return last
}

function finish(verdict, i, test, parent, bad) {
	# A test without subtests counts, and one that failed though none of them did.
	for (i = 1; i <= results; i++) {
		parent = name[i]
		while (sub(/\/[^\/]*$/, "", parent)) {
			above[parent] = 1
			if (result[i] == "FAIL") blamed[parent] = 1
		}
	}
	bad = 0
	for (i = 1; i <= results; i++) {
		test = name[i]
		if (result[i] == "FAIL" && !(test in blamed)) {
			bad++
			printf "--- FAIL: %s\n%s", test, buffer[test]
		} else if (result[i] == "FAIL" && buffer[test] != "") {
			printf "--- in %s\n%s", test, buffer[test]
		} else if (result[i] == "SKIP" && !(test in above)) {
			skipped++
			print reason(buffer[test]) "\t" test >> skips
		} else if (result[i] == "PASS" && !(test in above)) passed++
	}
	# A package can fail without a failing test; then all it last said is wanted.
	if (verdict ~ /^FAIL/ && (bad == 0 || crashed)) {
		if (bad == 0) bad = 1
		for (test in buffer) if (!(test in done) && buffer[test] != "") printf "--- unfinished: %s\n%s", test, buffer[test]
	}
	if (crash != "") printf "%s", crash
	if (verdict ~ /^FAIL/) print verdict
	failed += bad
	split("", buffer); split("", name); split("", result); split("", above); split("", blamed); split("", done)
	results = 0; current = ""; crash = ""; crashed = 0
}

/^=== (RUN|CONT|NAME|PAUSE) / {
	current = $0
	sub(/^=== [A-Z]+ +/, "", current)
	next
}
/^ *--- (PASS|FAIL|SKIP): / {
	results++
	result[results] = substr($2, 1, 4)
	name[results] = $0
	sub(/^ *--- [A-Z]+: /, "", name[results])
	sub(/ \([0-9.]+s\)$/, "", name[results])
	done[name[results]] = 1
	next
}
/^(ok  |\?   )\t/ { finish("ok"); next }
/^FAIL\t/ { finish($0); next }
/^== / { finish("ok"); next }
/^(PASS|FAIL)$/ { current = ""; next }
/^(panic: |fatal error: |WARNING: DATA RACE)/ { crashed = 1; lines = 0 }
crashed { if (lines++ < 120) crash = crash $0 "\n"; next }
current != "" { keep(current, $0); next }
/^\t|no test files|^coverage:/ { if ($0 !~ /\.go:[0-9]/) next }
{ if (loose++ < 300) print }
END {
	# A run that was cut off ends within a package: what had not ended may be why.
	if (results > 0 || crash != "" || current != "") finish(crash != "" || current != "" ? "FAIL\t(cut off)" : "ok")
	print passed + 0, failed + 0, skipped + 0 >> counts
}
