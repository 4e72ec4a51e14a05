package userns

func init() {
	roles["test-show"] = show
}
