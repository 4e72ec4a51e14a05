package userns

import (
	"os"
	"strings"
)

// foreground reports whether this process's group is the one in the foreground of its
// terminal: that is whom the terminal's keys reach, all of it (proc_pid_stat(5)).
func foreground() bool {
	stat, _ := os.ReadFile("/proc/self/stat")
	return inForeground(string(stat))
}

// inForeground is foreground by the line of a process, in which its name stands in
// parentheses and may have any characters. Where there is no terminal, its group is -1.
func inForeground(stat string) bool {
	const group, ofTerminal = 2, 5 // counted from the state, behind the name
	f := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	return len(f) > ofTerminal && f[group] == f[ofTerminal]
}
